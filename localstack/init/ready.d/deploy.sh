#!/usr/bin/env bash
# Deploys ticketmill's stacks once LocalStack is ready; where one stands already, changes what differs.
#   TICKETMILL_STACK              its name; "ticketmill" without
#   TICKETMILL_TEMPLATE           the template; where compose.yaml mounts it without
#   TICKETMILL_STACK_PARAMETERS   parameters of the template, as in "MaxReceiveCount=3 VisibilityTimeoutSeconds=90"
# Where search-service.yaml lies beside the template, it is deployed as NAME-search.
# awslocal takes its endpoint from AWS_ENDPOINT_URL, and inside the container needs none.
set -euo pipefail
stack=${TICKETMILL_STACK:-ticketmill}
template=${TICKETMILL_TEMPLATE:-/opt/ticketmill/template.yaml}
search_template=${template%/*}/search-service.yaml
export AWS_DEFAULT_REGION=${AWS_DEFAULT_REGION:-us-east-1} DISABLE_DEPRECATION_NOTICE=1

cloudformation() {
  local verb=$1 name=$2
  shift 2
  awslocal cloudformation "$verb" --stack-name "$name" --output text "$@"
}

change() {
  local verb=$1 name=$2 file=$3 given=() each
  shift 3
  for each in "$@"; do
    given+=("ParameterKey=${each%%=*},ParameterValue=${each#*=}")
  done
  cloudformation "$verb" "$name" --template-body "file://$file" --capabilities CAPABILITY_IAM CAPABILITY_NAMED_IAM \
    ${given[@]+--parameters "${given[@]}"} > /dev/null
}

status() {
  cloudformation describe-stacks "$1" --query 'Stacks[0].StackStatus'
}

# `cloudformation deploy` would do both, and look every 30 s whether it is done
wait_until_done() {
  local now
  while now=$(status "$1") && [[ $now == *_IN_PROGRESS ]]; do sleep 0.5; done
  [[ $now == CREATE_COMPLETE || $now == UPDATE_COMPLETE ]] && return
  echo "deploy.sh: stack $1 was not deployed ($now); what failed:" >&2
  cloudformation describe-stack-events "$1" --query "StackEvents[?contains(ResourceStatus, 'FAILED') && \
    LogicalResourceId != '$1'].[LogicalResourceId, ResourceStatusReason]" >&2
  return 1
}

# deploy NAME TEMPLATE [PARAMETER=VALUE ...]
deploy() {
  local name=$1 said
  if ! status "$name" > /dev/null 2>&1; then
    change create-stack "$@"
    wait_until_done "$name"
  elif said=$(change update-stack "$@" 2>&1); then
    wait_until_done "$name"
  elif [[ $said != *"No updates are to be performed"* ]]; then
    echo "deploy.sh: $said" >&2
    return 1
  fi
}

# shellcheck disable=SC2086 # each word is a parameter
deploy "$stack" "$template" ${TICKETMILL_STACK_PARAMETERS:-}
if [[ -f $search_template ]]; then
  deploy "$stack-search" "$search_template" "TicketsStack=$stack"
fi
cloudformation describe-stacks "$stack" --query 'Stacks[0].Outputs[].[OutputKey, OutputValue]'
