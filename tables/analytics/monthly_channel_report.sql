with revenue as (
    -- One row per session. Aggregate before the join: otherwise a session with three transactions counts three times.
    select
        sessionid,
        sum(amount) as gross,
        -- refunded is a boolean, or a number if it comes from MySQL. The cast makes both an integer on both warehouses.
        -- Null means not refunded.
        sum(case when coalesce(cast(refunded as integer), 0) = 0 then amount else 0 end) as net,
        max(case when amount > 0 then 1 else 0 end) as paid
    from raw_data.session_transaction
    group by sessionid
),

visit as (
    select
        cast(date_trunc('month', session_timestamp.ts) as date) as month,
        coalesce(user_session_channel.channel, 'unknown') as channel,
        user_session_channel.userid,
        revenue.gross,
        revenue.net,
        revenue.paid
    from raw_data.user_session_channel
    join raw_data.session_timestamp
        on session_timestamp.sessionid = user_session_channel.sessionid
    -- left join: most sessions buy nothing, but their users count
    left join revenue
        on revenue.sessionid = user_session_channel.sessionid
    where session_timestamp.ts is not null
)

select
    month,
    channel,
    count(distinct userid) as unique_users,
    count(distinct case when paid = 1 then userid end) as paid_users,
    -- 100.0 instead of 100: the division of two integers would drop the fraction
    round(
        100.0 * count(distinct case when paid = 1 then userid end) / nullif(count(distinct userid), 0),
        2
    ) as conversion_rate,
    coalesce(sum(gross), 0) as gross_revenue,
    coalesce(sum(net), 0) as net_revenue
from visit
group by
    month,
    channel
