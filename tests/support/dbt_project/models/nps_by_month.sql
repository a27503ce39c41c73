-- One row a month: its NPS.
select
    cast(date_trunc('month', day) as date) as month,
    round(100.0 * (sum(promoters) - sum(detractors)) / sum(answers), 2) as nps
from {{ ref('nps_by_day') }}
group by 1
