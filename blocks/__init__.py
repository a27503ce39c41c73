"""With what keys: the Prefect blocks that flows read, made from the environment by `python -m blocks`.

| variable | block | value |
|---|---|---|
| `DAYBOOK_PRODUCTION_URL` | `SqlAlchemyConnector/production` | `mysql+pymysql://`, `mariadb+pymysql://` or `postgresql+psycopg2://` `USER:PASSWORD@HOST:PORT/DATABASE` |
| `DAYBOOK_WAREHOUSE_URL` | `SqlAlchemyConnector/warehouse` | `postgresql+psycopg2://` or `redshift+psycopg2://` `USER:PASSWORD@HOST:PORT/DATABASE` |
| `DAYBOOK_STAGE_URL` | `S3Bucket/stage` or `LocalFileSystem/stage` | `s3://bucket/prefix`, or a folder |
| `AWS_ACCESS_KEY_ID` | `AwsCredentials/aws` | set with the next one; neither: the role of the worker's machine |
| `AWS_SECRET_ACCESS_KEY` | `AwsCredentials/aws` | |
| `AWS_REGION` | `AwsCredentials/aws` | the bucket's region |
| `AWS_ENDPOINT_URL` | `AwsCredentials/aws` | an S3-compatible server, where it is not Amazon's |
| `DAYBOOK_COPY_IAM_ROLE` | `RedshiftCopy/warehouse` | the role that Redshift's `COPY` assumes: `arn:aws:iam::123456789012:role/NAME` |
| `SLACK_WEBHOOK_URL` | `SlackWebhook/slack` | where messages go; for another channel make `SlackWebhook/<channel>` in the UI |
| `SLACK_BOT_TOKEN` | `SlackCredentials/slack` | `xoxb-…`, with the scope `chat:write`: each owner's channel, and a thread an incident |
| `DAYBOOK_SMTP_URL` | `EmailServerCredentials/mail` and `MailSender/mail` | `smtp+starttls://USER:PASSWORD@HOST:587?from=daybook@example.com`; or `smtps://`, `smtp://` |
| `GOOGLE_SERVICE_ACCOUNT_FILE` | `GcpCredentials/google` | path of a service account's JSON key; the key is stored, not the path |

A user or password in a URL is percent-encoded (`@` is `%40`, `:` is `%3A`, `/` is `%2F`, `%` is `%25`).

Run it as often as you like: a block is created, updated or left as it is, and one whose variable is not set is left
alone. A change of `DAYBOOK_STAGE_URL` between S3 and a folder removes the other `stage`, so that there is only one.
An environment that is half set or contradicts itself is refused before anything is saved. Secrets are stored as
Prefect's secrets, and never shown. Flows open blocks with `daybook.orchestration.blocks.open`, and never read the environment.
"""  # noqa: E501 (a table's row is one line)
