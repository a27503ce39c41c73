-- One row a month: the NPS that was hoped for.
select month, max(nps) as nps
from {{ source('raw_data', 'nps_targets') }}
group by 1
