select
    cast(created_at as date) as date,
    -- 100.0 and not 100: a whole number divided by a whole number would be cut to a whole number.
    -- Else 0, so that sevens and eights count below the line alone, and a day of nothing else is 0 and not null.
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
