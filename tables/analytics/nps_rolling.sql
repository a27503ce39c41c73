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

-- A join on dates, and no window of the seven rows before: where days are missing, seven rows are more than a week.
-- Counts are added up and divided once: the mean of seven days' scores would give a quiet day the weight of a busy one.
week as (
    select
        last_day.date,
        sum(each_day.answers) as answers,
        sum(each_day.promoters) as promoters,
        sum(each_day.detractors) as detractors
    from answer_day as last_day
    join answer_day as each_day
        on each_day.date > last_day.date - 7
        and each_day.date <= last_day.date
    group by last_day.date
),

-- An answer is +1 (promoter), 0 or -1 (detractor). With p and d the shares of promoters and detractors, its mean is
-- p - d, and its variance p + d - (p - d)^2; the mean of n answers has the n-th part of that variance.
-- After "NPS confidence intervals: the maths", cybaea.net/Journal/2016/01/14/NPS-confidence-intervals-stats.
error_of_week as (
    select
        date,
        answers,
        promoters,
        detractors,
        -- one answer alone does not show how much answers differ
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
    -- double precision cannot be rounded to digits on PostgreSQL
    round(cast(standard_error as decimal(18, 8)), 2) as standard_error,
    round(cast(1.96 * standard_error as decimal(18, 8)), 2) as margin_95
from error_of_week
