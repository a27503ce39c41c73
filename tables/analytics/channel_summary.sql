with visit as (
    select
        user_session_channel.userid,
        user_session_channel.channel,
        -- sessionid breaks ties, so that every build chooses the same session
        row_number() over (
            partition by user_session_channel.userid
            order by session_timestamp.ts, user_session_channel.sessionid
        ) as nth,
        row_number() over (
            partition by user_session_channel.userid
            order by session_timestamp.ts desc, user_session_channel.sessionid desc
        ) as nth_from_last
    from raw_data.user_session_channel
    join raw_data.session_timestamp
        on session_timestamp.sessionid = user_session_channel.sessionid
    where
        session_timestamp.ts is not null
        and user_session_channel.userid is not null
)

select
    userid,
    -- max of one row: its channel, or null
    max(case when nth = 1 then channel end) as first_channel,
    max(case when nth_from_last = 1 then channel end) as last_channel
from visit
group by userid
