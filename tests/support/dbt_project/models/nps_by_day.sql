-- One row a day: how many answers there were, and how many of them were 9 or 10, or 0 to 6.
select
    cast(created_at as date) as day,
    count(*) as answers,
    count(case when score >= 9 then 1 end) as promoters,
    count(case when score <= 6 then 1 end) as detractors
from {{ source('raw_data', 'nps') }}
group by 1
