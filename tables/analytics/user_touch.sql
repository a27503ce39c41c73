with visit as (
    select
        user_session_channel.userid,
        -- The frame is required by Redshift, and without it the last value would be that of the current row.
        first_value(user_session_channel.channel) over (
            partition by user_session_channel.userid
            order by session_timestamp.ts, user_session_channel.sessionid
            rows between unbounded preceding and unbounded following
        ) as first_channel,
        last_value(user_session_channel.channel) over (
            partition by user_session_channel.userid
            order by session_timestamp.ts, user_session_channel.sessionid
            rows between unbounded preceding and unbounded following
        ) as last_channel
    from raw_data.user_session_channel
    join raw_data.session_timestamp
        on session_timestamp.sessionid = user_session_channel.sessionid
    where
        session_timestamp.ts is not null
        and user_session_channel.userid is not null
)

-- all sessions of a user have the same first and last channel, so one row per user remains
select distinct
    userid,
    first_channel,
    last_channel
from visit
