"""Athena's saved queries: deployed by a template, found page by page, and checked against their workgroup.

MiniStack does not know AWS::Athena::NamedQuery, gives all ids on one page, and checks GetNamedQuery and
BatchGetNamedQuery, which name no workgroup, against `*`.
"""

import json

from ministack.core.responses import error_response_json, json_response
from ministack.services import athena
from ministack.services.cloudformation import provisioners

# https://docs.aws.amazon.com/athena/latest/APIReference/API_ListNamedQueries.html and API_BatchGetNamedQuery.html
MAX_PAGE = 50

original_batch_get = athena._batch_get_named_query


# --- CloudFormation ---------------------------------------------------------------------------------------------
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-athena-namedquery.html


def create(logical_id, properties, stack_name):
    group = properties.get("WorkGroup", "primary")
    if group not in athena._workgroups:
        raise ValueError(f"WorkGroup {group} is not found.")
    request = {"Name": logical_id, **properties, "WorkGroup": group}
    query_id = json.loads(athena._create_named_query(request)[2])["NamedQueryId"]
    return query_id, {"NamedQueryId": query_id}


def update(physical_id, old, new, stack_name):
    """No property can be changed: the query is replaced, and has another id."""
    created = create(old.get("Name"), new, stack_name)
    provisioners._delete_predecessor(delete, physical_id, old)
    return created


def delete(physical_id, properties):
    athena._delete_named_query({"NamedQueryId": physical_id})


# --- Requests ---------------------------------------------------------------------------------------------------


def list_named_queries(data):
    group, limit = data.get("WorkGroup", "primary"), data.get("MaxResults", MAX_PAGE)
    if group not in athena._workgroups:
        return error_response_json("InvalidRequestException", f"WorkGroup {group} is not found.", 400)
    if not 0 <= limit <= MAX_PAGE:
        return error_response_json("InvalidRequestException", f"MaxResults is not between 0 and {MAX_PAGE}.", 400)
    ids = [query_id for query_id, query in athena._named_queries.items() if query["WorkGroup"] == group]
    start = int(data.get("NextToken") or 0)
    end = start + (limit or MAX_PAGE)
    page = {"NamedQueryIds": ids[start:end]}
    return json_response({**page, "NextToken": str(end)} if end < len(ids) else page)


def batch_get_named_query(data):
    if not 1 <= len(data.get("NamedQueryIds", [])) <= MAX_PAGE:
        return error_response_json("InvalidRequestException", f"Name 1 to {MAX_PAGE} queries.", 400)
    return original_batch_get(data)


def work_group(data):
    """The workgroup of the queries that a request names by their ids; None where it names none, or of several groups."""
    ids = data.get("NamedQueryIds") or [data.get("NamedQueryId")]
    named = [athena._named_queries[query_id] for query_id in ids if query_id in athena._named_queries]
    groups = {query["WorkGroup"] for query in named}
    return groups.pop() if len(groups) == 1 else None


def install():
    athena._list_named_queries = list_named_queries
    athena._batch_get_named_query = batch_get_named_query
    handlers = {"create": create, "update": update, "delete": delete}
    provisioners._RESOURCE_HANDLERS["AWS::Athena::NamedQuery"] = handlers
