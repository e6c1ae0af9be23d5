#!/usr/bin/env bash
# Deploys ticketmill's stack once LocalStack is ready; where the stack stands already, changes what differs.
#   TICKETMILL_STACK              its name; "ticketmill" without
#   TICKETMILL_TEMPLATE           the template; where compose.yaml mounts it without
#   TICKETMILL_STACK_PARAMETERS   parameters of the template, as in "MaxReceiveCount=3 VisibilityTimeoutSeconds=90"
# awslocal takes its endpoint from AWS_ENDPOINT_URL, and inside the container needs none.
set -euo pipefail
stack=${TICKETMILL_STACK:-ticketmill}
template=${TICKETMILL_TEMPLATE:-/opt/ticketmill/template.yaml}
export AWS_DEFAULT_REGION=${AWS_DEFAULT_REGION:-us-east-1} DISABLE_DEPRECATION_NOTICE=1

cloudformation() {
  local verb=$1
  shift
  awslocal cloudformation "$verb" --stack-name "$stack" --output text "$@"
}

change() {
  local given=() each
  for each in ${TICKETMILL_STACK_PARAMETERS:-}; do
    given+=("ParameterKey=${each%%=*},ParameterValue=${each#*=}")
  done
  cloudformation "$1" --template-body "file://$template" --capabilities CAPABILITY_IAM CAPABILITY_NAMED_IAM \
    ${given[@]+--parameters "${given[@]}"} > /dev/null
}

status() {
  cloudformation describe-stacks --query 'Stacks[0].StackStatus'
}

# `cloudformation deploy` would do both, and look every 30 s whether it is done
wait_until_done() {
  local now
  while now=$(status) && [[ $now == *_IN_PROGRESS ]]; do sleep 0.5; done
  [[ $now == CREATE_COMPLETE || $now == UPDATE_COMPLETE ]] && return
  echo "deploy.sh: stack $stack was not deployed ($now); what failed:" >&2
  cloudformation describe-stack-events --query "StackEvents[?contains(ResourceStatus, 'FAILED') && \
    LogicalResourceId != '$stack'].[LogicalResourceId, ResourceStatusReason]" >&2
  return 1
}

if ! status > /dev/null 2>&1; then
  change create-stack
  wait_until_done
elif said=$(change update-stack 2>&1); then
  wait_until_done
elif [[ $said != *"No updates are to be performed"* ]]; then
  echo "deploy.sh: $said" >&2
  exit 1
fi
cloudformation describe-stacks --query 'Stacks[0].Outputs[].[OutputKey, OutputValue]'
