select
    user_session_channel.userid,
    sum(session_transaction.amount) as gross_revenue
from raw_data.user_session_channel
join raw_data.session_transaction
    on session_transaction.sessionid = user_session_channel.sessionid
where
    user_session_channel.userid is not null
    -- a sum of nothing but nulls is null, and null comes before every number when the largest come first
    and session_transaction.amount is not null
group by user_session_channel.userid
-- by userid where revenues are equal: every build then has the same ten
order by
    gross_revenue desc,
    user_session_channel.userid
limit 10
