#!/bin/sh
# Leads a node through a little life and leaves its database as one plain file.
#
#   life.sh PROGRAM FILE
#
# PROGRAM is the `hearth` of the release whose schema is kept, FILE the database to make.
# It takes curl and sqlite3.
set -eu

program=$1
file=$2
folder=$(mktemp -d)
node=
trap '[ -z "$node" ] || kill "$node" 2>/dev/null || true; rm -rf -- "$folder"' EXIT

HEARTH_DATA_DIR=$folder/data
HEARTH_CONFIG=$folder/hearth.toml
export HEARTH_DATA_DIR HEARTH_CONFIG
: >"$HEARTH_CONFIG"

hearth() {
    "$program" "$@" >>"$folder/said" 2>&1 || {
        echo "failed: hearth $*" >&2
        tail -n 1 "$folder/said" >&2
        exit 1
    }
}

start() {
    rm -f -- "$folder/ready"
    "$program" up --listen 127.0.0.1:0 --no-agents >"$folder/ready" 2>"$folder/log" &
    node=$!
    until grep -qs '^ready ' "$folder/ready"; do sleep 0.1; done
    url=$(sed -n 's/^ready //p' "$folder/ready")
}

stop() {
    kill "$node"
    wait "$node"
    node=
}

post() {
    curl --silent --show-error --fail-with-body --output "$folder/answer" \
        --header "authorization: Bearer $(cat "$HEARTH_DATA_DIR/owner.key")" \
        --header 'content-type: application/json' --request "$1" "$url/api/v1$2" --data "$3" ||
        { cat "$folder/answer" >&2; exit 1; }
}

# Before the first start, without a node.
hearth keys create --name "the old laptop" --role viewer

start
robot=$("$program" keys create --name robot --role agent --agent robot)
hearth keys create --name "lost phone" --role admin
lost=$("$program" --json keys list | grep -o '"id":"[^"]*","name":"lost phone"' | cut -d '"' -f 4)
hearth keys revoke "$lost"

hearth project add website --description "The shop's new pages"
hearth project add Gärten
hearth project add "last year"
hearth project update "last year" --status archived

printf '# Notes\n\nWarm colours, please.\n' >"$folder/notes.md"
printf 'print(sum(range(10)))\n' >"$folder/sum.py"
printf '{"customer": {"name": "Ünal & Söhne", "since": 1999, "share": 0.25}}' >"$folder/context.json"

hearth task add "Design the landing page" --project website --priority high --label design --label web \
    --due 2026-12-24 --file "$folder/notes.md" --context-file "$folder/context.json"    # 1: completed
hearth task add "Build the landing page" --project website --priority critical --label web \
    --after 1 --description "Two columns.
No scripts."                                                                            # 2: in progress
hearth task add "Which colour has the fence? 🌻" --project Gärten --label garden          # 3: blocked, with options
hearth task add "Water the tomatoes" --project Gärten --priority low --for owner         # 4: for the owner
hearth task add "Translate the imprint" --label web                                      # 5: cancelled
hearth task add "Sum up" --python-file "$folder/sum.py"                                  # 6: pending, with a plan
hearth task add "Call the printer" --label phone                                         # 7: blocked, attempts used up
hearth task add "Order seeds" --project Gärten --after 3                                 # 8: waits for 3
hearth task add "Pay the invoice" --due 2026-11-30T12:00:00Z                             # 9: reopened
hearth task add "Answer the letter"                                                      # 10: answered, claimed again
hearth task add "Long ago"                                                               # 11: deleted with its project
hearth project add "to be deleted"
hearth task update 11 --project "to be deleted"
hearth project delete "to be deleted" --with-tasks

hearth task claim 1 --agent robot
hearth artifact add "$folder/notes.md" --type note
sum=$(HEARTH_KEY=$robot "$program" --json artifact add "$folder/sum.py" --type code | grep -o '"id":"[^"]*"' | head -n 1 | cut -d '"' -f 4)
hearth task complete 1 --agent robot --artifact "$sum" --result '{"pages": 1, "price": 12.50}'
hearth task claim 2 --agent robot --lease-seconds 3600
hearth task claim 3 --agent robot
hearth task block 3 --agent robot --reason "Which colour?" --option green --option "dark blue"
hearth task cancel 5 --reason "not needed in this country"
for attempt in 1 2 3; do
    hearth task claim 7 --agent robot
    hearth task release 7 --agent robot --reason "engaged, try $attempt"
done
hearth task claim 9 --agent robot
hearth task complete 9 --agent robot --result '{}'
hearth task reopen 9 --reason "it was the wrong account"
hearth task claim 10 --agent robot
hearth task block 10 --agent robot --reason "Which tone?"
hearth task answer 10 "a friendly one"
hearth task claim 10 --agent robot
hearth task update 6 --priority critical --not-before 2027-01-01

parent=$("$program" --json task show 2 | grep -o '"id":"[^"]*"' | head -n 1 | cut -d '"' -f 4)
post POST /agents/register '{"name": "robot", "type": "worker", "capabilities": ["python"], "metadata": {"host": "attic"}}'
post POST /agents/robot/heartbeat '{"status": "busy"}'
post POST /tasks '{"title": "Part of the page", "parent_id": "'"$parent"'",
    "acceptance": [{"kind": "artifact", "type": "page", "min_bytes": 100}], "budget": {"usd": 1.5, "tokens": 200000}}'
curl --silent --fail-with-body --output "$folder/answer" \
    --header "authorization: Bearer $(cat "$HEARTH_DATA_DIR/owner.key")" \
    --header 'content-type: application/json' --header 'idempotency-key: once' \
    "$url/api/v1/tasks" --data '{"title": "Asked for once"}' || { cat "$folder/answer" >&2; exit 1; }
stop

# Since schema 2: conversations, tasks that come again, checks that did not hold, notices.
start
hearth task add "Water the plants every monday 9:00 ~20m @Gärten"
hearth chat "remind me to call Ada tomorrow 10:00"
hearth chat "what is blocked"
hearth task add "Report on the words" --accept '{"kind": "artifact", "type": "report", "min_bytes": 1}' \
    --accept '{"kind": "result_schema", "schema": {"type": "object", "required": ["words"]}}'
report=$("$program" --json task list --status pending | grep -o '"number":[0-9]*,[^{}]*"title":"Report on the words"' | head -n 1 | cut -d : -f 2 | cut -d , -f 1)
hearth task claim "$report" --agent robot
"$program" task complete "$report" --agent robot --result '{"pages": 1}' >>"$folder/said" 2>&1 || true
stop

# A second start, as everyday life has it.
start
hearth task add "After a restart"
stop

sqlite3 "$HEARTH_DATA_DIR/hearth.db" 'PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE;' >/dev/null
cp -- "$HEARTH_DATA_DIR/hearth.db" "$file"
chmod 644 "$file"
