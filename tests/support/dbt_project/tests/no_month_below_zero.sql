-- The months with more detractors than promoters. While there is one, what is made of nps_by_month is held back.
select month, nps from {{ ref('nps_by_month') }} where nps < 0
