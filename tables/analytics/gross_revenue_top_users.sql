select
    user_session_channel.userid,
    sum(session_transaction.amount) as gross_revenue
from raw_data.user_session_channel
join raw_data.session_transaction
    on session_transaction.sessionid = user_session_channel.sessionid
where
    user_session_channel.userid is not null
    -- a sum of nulls only is null, and a descending order puts nulls first
    and session_transaction.amount is not null
group by user_session_channel.userid
-- userid breaks ties, so that every build has the same ten users
order by
    gross_revenue desc,
    user_session_channel.userid
limit 10
