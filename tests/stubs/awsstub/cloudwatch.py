"""CloudWatch: GetMetricData."""
import re

from .query import Query
from .state import state


class CloudWatch(Query):
    def __init__(self):
        super().__init__("cloudwatch", "cloudwatch", {"GetMetricData"})

    def check(self, request):
        super().check(request)
        # the rules that the model only has as prose
        queries = request.params["MetricDataQueries"]
        ids = [query["Id"] for query in queries]
        for name in ids:
            request.expect(re.fullmatch("[a-z][a-zA-Z0-9_]*", name), "Id %r starts with no small letter", name)
            request.expect(ids.count(name) == 1, "Id %s is given more than once", name)
        request.expect(0 < len(queries) <= 500, "there are %d queries", len(queries))
        for query in queries:
            request.expect(("MetricStat" in query) != ("Expression" in query),
                           "%s is not one of metric and expression", query["Id"])
            period = query.get("MetricStat", query).get("Period", 60)
            request.expect(period in (1, 5, 10, 20, 30) or period % 60 == 0, "Period is %d", period)
        start, end = request.params["StartTime"], request.params["EndTime"]
        request.expect(start < end, "StartTime %s is not before %s", start, end)

    def answer(self, request):
        pages = state.of("cloudwatch").get("pages")
        token = request.params.get("NextToken")
        if not pages:
            request.expect(token is None, "NextToken is %r, but there was none", token)
            return self.page(request, {"results": [{"id": q["Id"]} for q in request.params["MetricDataQueries"]]})
        # after the last page comes the first again
        turn = state.count("cloudwatch")
        wanted = pages[(turn - 1) % len(pages)].get("next_token") if turn else None
        request.expect(token == wanted, "NextToken is %r, not %r", token, wanted)
        return self.page(request, pages[turn % len(pages)])

    def page(self, request, page):
        return self.result(request.op, {
            "MetricDataResults": [{
                "Timestamps": result.get("timestamps", []),
                "Values": [value if isinstance(value, str) else repr(float(value))
                           for value in result.get("values", [])],
                "Label": result.get("label", result["id"]), "Id": result["id"],
                "StatusCode": result.get("status", "Complete"),
                "Messages": result.get("messages", [])} for result in page.get("results", [])],
            "NextToken": page.get("next_token"), "Messages": page.get("messages", [])})
