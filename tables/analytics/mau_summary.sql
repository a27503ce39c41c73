select
    -- date_trunc returns a timestamp
    cast(date_trunc('month', session_timestamp.ts) as date) as month,
    count(distinct user_session_channel.userid) as users
from raw_data.user_session_channel
join raw_data.session_timestamp
    on session_timestamp.sessionid = user_session_channel.sessionid
where
    session_timestamp.ts is not null
    and user_session_channel.userid is not null
group by cast(date_trunc('month', session_timestamp.ts) as date)
