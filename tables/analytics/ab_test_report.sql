with interaction as (
    -- One row per customer. Aggregate before the join: otherwise a customer with three interactions counts three times.
    select
        customer_id,
        sum(case when clicked = 1 then 1 else 0 end) as clicks,
        sum(case when purchased = 1 then 1 else 0 end) as purchases,
        sum(paidamount) as revenue
    from raw_data.customer_interactions
    group by customer_id
),

customer as (
    select
        case when lower(customer_variants.variant) = 'control' then 'control' else customer_variants.variant end
            as variant,
        coalesce(interaction.clicks, 0) as clicks,
        coalesce(interaction.purchases, 0) as purchases,
        case when interaction.purchases > 0 then 1 else 0 end as bought,
        coalesce(interaction.revenue, 0) as revenue
    from raw_data.customer_variants
    -- left join: customers who did nothing count in the denominators
    left join interaction
        on interaction.customer_id = customer_variants.customer_id
    where customer_variants.variant is not null
),

variant_total as (
    select
        variant,
        count(*) as customers,
        sum(clicks) as clicks,
        sum(purchases) as purchases,
        sum(bought) as buyers,
        sum(revenue) as revenue,
        -- double precision: on Redshift the average of integers is an integer
        avg(cast(bought as double precision)) as conversion,
        avg(cast(revenue as double precision)) as revenue_per_customer,
        var_samp(cast(revenue as double precision)) as revenue_variance
    from customer
    group by variant
),

-- One row per variant and measure, so that each formula below is written once. squared_error: the variance of the mean.
measured as (
    select
        variant,
        cast('conversion' as varchar(16)) as measure,
        conversion as mean,
        conversion * (1 - conversion) / customers as squared_error
    from variant_total
    union all
    select
        variant,
        cast('revenue' as varchar(16)) as measure,
        revenue_per_customer as mean,
        revenue_variance / customers as squared_error
    from variant_total
),

-- Join the control to each variant. Null for the control itself, which is not compared, and if there is no control.
beside_control as (
    select
        measured.*,
        case
            when variant <> 'control'
                then max(case when variant = 'control' then mean end) over (partition by measure)
        end as control_mean,
        max(case when variant = 'control' then squared_error end) over (partition by measure) as control_squared_error
    from measured
),

from_control as (
    select
        variant,
        measure,
        mean,
        100 * (mean / nullif(control_mean, 0) - 1) as lift_percent,
        mean - control_mean as difference,
        -- null if all customers did the same: then the error of the mean is unknown
        case when control_mean is not null then nullif(sqrt(squared_error + control_squared_error), 0) end
            as standard_error
    from beside_control
),

-- x is |z| / sqrt(2). Beyond 37 standard errors exp would underflow, which PostgreSQL refuses.
-- case instead of least(), which ignores nulls.
scaled as (
    select
        from_control.*,
        case
            when abs(difference / standard_error) > 37 then 37
            else abs(difference / standard_error)
        end / sqrt(cast(2 as double precision)) as x
    from from_control
),

fitted as (
    select
        scaled.*,
        1 / (1 + 0.5 * x) as t
    from scaled
),

-- The two-sided p-value is erfc(|z| / sqrt(2)), but neither warehouse has erfc. This is erfcc of Press et al.,
-- Numerical Recipes in C, 2nd edition, section 6.2: a Chebyshev fit with a relative error below 1.2e-7 everywhere.
compared as (
    select
        fitted.*,
        difference - 1.959963984540054 * standard_error as low_95,
        difference + 1.959963984540054 * standard_error as high_95,
        t * exp(
            -x * x - 1.26551223
            + t * (1.00002368 + t * (0.37409196 + t * (0.09678418 + t * (-0.18628806 + t * (0.27886807
            + t * (-1.13520398 + t * (1.48851587 + t * (-0.82215223 + t * 0.17087277))))))))
        ) as p_value
    from fitted
)

select
    variant_total.variant,
    variant_total.customers,
    variant_total.clicks,
    variant_total.purchases,
    variant_total.buyers,
    variant_total.revenue,
    of_conversion.mean as conversion,
    of_conversion.lift_percent as conversion_lift_percent,
    of_conversion.difference as conversion_difference,
    of_conversion.standard_error as conversion_difference_standard_error,
    of_conversion.low_95 as conversion_difference_low_95,
    of_conversion.high_95 as conversion_difference_high_95,
    -- without any difference the fit exceeds 1 by 3e-8
    case when of_conversion.p_value > 1 then 1 else of_conversion.p_value end as conversion_difference_p_value,
    of_revenue.mean as revenue_per_customer,
    of_revenue.lift_percent as revenue_per_customer_lift_percent,
    of_revenue.difference as revenue_per_customer_difference,
    of_revenue.standard_error as revenue_per_customer_difference_standard_error,
    of_revenue.low_95 as revenue_per_customer_difference_low_95,
    of_revenue.high_95 as revenue_per_customer_difference_high_95,
    case when of_revenue.p_value > 1 then 1 else of_revenue.p_value end as revenue_per_customer_difference_p_value
from variant_total
join compared as of_conversion
    on of_conversion.variant = variant_total.variant
    and of_conversion.measure = 'conversion'
join compared as of_revenue
    on of_revenue.variant = variant_total.variant
    and of_revenue.measure = 'revenue'
-- for readers: the control first
order by
    case when variant_total.variant = 'control' then 0 else 1 end,
    variant_total.variant
