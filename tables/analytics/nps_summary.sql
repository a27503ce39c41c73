select
    cast(created_at as date) as date,
    -- 100.0 instead of 100: the division of two integers would drop the fraction.
    -- else 0: sevens and eights count only in the denominator, and a day with nothing else is 0 instead of null.
    round(
        100.0
        * sum(case when score between 9 and 10 then 1 when score between 0 and 6 then -1 else 0 end)
        / count(*),
        2
    ) as nps
from raw_data.nps
where
    created_at >= {start}
    and created_at < {end}
    and score is not null
group by cast(created_at as date)
