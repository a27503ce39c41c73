with answer_day as (
    select
        cast(created_at as date) as date,
        count(*) as answers,
        sum(case when score between 9 and 10 then 1 else 0 end) as promoters,
        sum(case when score between 0 and 6 then 1 else 0 end) as detractors
    from raw_data.nps
    where
        created_at >= {start}
        and created_at < {end}
        and score is not null
    group by cast(created_at as date)
),

-- A day's answers belong to seven weeks: the week that ends with it, and those that end one to six days later. This
-- avoids a self-join of all days, and also a window of seven rows, which is longer than a week if days are missing.
later as (
    select 0 as days
    union all
    select 1 as days
    union all
    select 2 as days
    union all
    select 3 as days
    union all
    select 4 as days
    union all
    select 5 as days
    union all
    select 6 as days
),

-- Add up the counts and divide once: the mean of seven daily scores would give a quiet day the weight of a busy one.
week as (
    select
        answer_day.date + later.days as date,
        -- cast to bigint: on Redshift a sum of bigints is a numeric of 38 digits, and its quotient has only 4 digits
        cast(sum(answer_day.answers) as bigint) as answers,
        cast(sum(answer_day.promoters) as bigint) as promoters,
        cast(sum(answer_day.detractors) as bigint) as detractors
    from answer_day
    cross join later
    group by answer_day.date + later.days
    -- only weeks whose last day has answers
    having min(later.days) = 0
),

-- An answer counts +1 (promoter), 0 or -1 (detractor). With p and d as the shares of promoters and detractors, its mean
-- is p - d and its variance is p + d - (p - d)^2. The mean of n answers has that variance divided by n.
-- For the derivation see http://www.cybaea.net/Journal/2016/01/14/NPS-confidence-intervals-stats.
error_of_week as (
    select
        date,
        answers,
        promoters,
        detractors,
        -- a single answer has no variance
        case
            when answers > 1
                then
                    100 * sqrt(
                        (
                            cast(promoters + detractors as double precision) / answers
                            - power(cast(promoters - detractors as double precision) / answers, 2)
                        )
                        / answers
                    )
        end as standard_error
    from week
)

select
    date,
    round(100.0 * (promoters - detractors) / answers, 2) as nps,
    answers,
    -- PostgreSQL cannot round double precision to a number of digits
    round(cast(standard_error as decimal(18, 8)), 2) as standard_error,
    round(cast(1.96 * standard_error as decimal(18, 8)), 2) as margin_95
from error_of_week
