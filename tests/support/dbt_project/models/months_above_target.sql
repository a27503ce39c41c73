-- One row a month that was better than hoped for.
select months.month, months.nps, targets.nps as target
from {{ ref('nps_by_month') }} as months
join {{ ref('targets') }} as targets on targets.month = months.month
where months.nps > targets.nps
