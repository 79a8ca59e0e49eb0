using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Orders.FaultQueues;
using Orders.FaultQueues.Queues;

namespace Orders.Tests.FaultQueues.Http;

/// <summary>The HTTP API of the fault queues, as an operator and a reader use it.</summary>
internal sealed class FaultApiTests
{
    private OrderSystem _system = null!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _system = await OrderSystem.ServeAsync("Production", [.. Basic.Users, .. FailingOrders.Settings, ("Faults__AllowEditing", "true")]);
        await _system.FailAsync("first", "second", "third");
    }

    [OneTimeTearDown]
    public async Task StopAsync() => await _system.DisposeAsync();

    [Test]
    public async Task The_overview_tells_of_all_queues_and_their_groups()
    {
        var queues = (await GetAsync("")).Json.AsArray();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                queues.Select(queue => ((string?)queue!["endpoint"], (string?)queue["queue"])),
                Is.EqualTo(_system.Worker.GetRequiredService<FaultEndpoints>().Queues.Select(queue => (queue.Endpoint.Queue, queue.Kind.Word()))));
            Assert.That((int)queues[0]!["count"]!, Is.GreaterThanOrEqualTo(3));
            Assert.That((string?)queues[0]!["groups"]![0]!["exceptionType"], Does.EndWith("TransientEmailException"));
        }
    }

    [TestCase("?orderId=second", "second")]
    [TestCase("?orderId=second&text=TRY%20AGAIN&exceptionType=TransientEmailException&recipient=@EXAMPLE.com&minReplays=0&maxReplays=0&from=2026-01-01&to=2999-01-01T00:00:00Z", "second")]
    [TestCase("?text=LAPTOP&take=2", "first,second")]
    [TestCase("?text=laptop&skip=1&take=1", "second")]
    [TestCase("?orderId=second&minReplays=1", "")]
    [TestCase("?orderId=second&to=2026-01-01", "")]
    [TestCase("?ids=none", "")]
    public async Task A_list_shows_what_the_filter_takes(string query, string orderIds)
    {
        var page = await GetAsync($"/order-confirmation/error{query}");

        Assert.That(page.Status, Is.EqualTo(200), page.Body);
        // The order in which three orders fail is nobody's promise.
        Assert.That(page.Json["items"]!.AsArray(), Has.Count.EqualTo(orderIds.Split(',', StringSplitOptions.RemoveEmptyEntries).Length));
        if (query.StartsWith("?orderId", StringComparison.Ordinal) && orderIds.Length > 0)
        {
            Assert.That((string?)page.Json["items"]![0]!["orderId"], Is.EqualTo(orderIds));
        }
    }

    [TestCase("ids={0},{1}")]
    [TestCase("ids={0}&ids={1}")]
    public async Task Several_ids_are_written_with_commas_or_repeated(string query)
    {
        var ids = (await GetAsync("/order-confirmation/error?text=laptop")).Json["items"]!.AsArray().Select(fault => (string)fault!["id"]!).ToArray();

        var page = await GetAsync($"/order-confirmation/error?{string.Format(null, query, ids[1], ids[2])}");

        Assert.That(page.Json["items"]!.AsArray().Select(fault => (string?)fault!["id"]), Is.EqualTo(ids[1..3]));
    }

    [TestCase("take=0", "take")]
    [TestCase("take=501", "take")]
    [TestCase("take=ten", "take")]
    [TestCase("skip=-1", "skip")]
    [TestCase("skip=1&skip=2", "skip")]
    [TestCase("minReplays=1.5", "minReplays")]
    [TestCase("minReplays=2&maxReplays=1", "maxReplays")]
    [TestCase("from=yesterday", "from")]
    [TestCase("from=12/31/2025", "from")]
    [TestCase("from=2026-02-01&to=2026-01-01", "to")]
    [TestCase("text=", "text")]
    [TestCase("ids=", "ids")]
    [TestCase("ids=a,,b", "ids")]
    [TestCase("form=2026-01-01", "form")]
    [TestCase("take=0&from=now&group=&colour=red", "take,from,group,colour")]
    public async Task Every_mistake_in_the_address_is_named(string query, string names)
    {
        var refusal = await GetAsync($"/order-confirmation/error?{query}");

        ExpectProblem(refusal, 400);
        Assert.That(refusal.Json["errors"]!.AsObject().Select(error => error.Key), Is.EquivalentTo(names.Split(',')));
    }

    [Test]
    public async Task Groups_are_those_of_the_messages_that_the_filter_takes()
    {
        var groups = (await GetAsync("/order-confirmation/error/groups?orderId=second")).Json.AsArray();

        Assert.That(groups, Has.Count.EqualTo(1));
        Assert.That((int)groups[0]!["count"]!, Is.EqualTo(1));
        ExpectProblem(await GetAsync("/order-confirmation/error/groups?skip=1"), 400);
    }

    [Test]
    public async Task Details_show_everything_about_a_message()
    {
        var details = (await GetAsync($"/order-confirmation/error/{await IdOfAsync("second")}")).Json;

        using (Assert.EnterMultipleScope())
        {
            Assert.That((string?)details["queue"], Is.EqualTo("error"));
            Assert.That((string?)details["fault"]!["orderId"], Is.EqualTo("second"));
            Assert.That((string?)details["text"], Does.Contain("\"orderId\": \"second\""));
            Assert.That((bool)details["isJson"]!);
            Assert.That((string?)details["stackTrace"], Does.Contain("SmtpEmailSender"));
        }
    }

    [TestCase("GET", "/order-confirmation/error/0123456789abcdef0123")]
    [TestCase("GET", "/other")]
    [TestCase("GET", "/other/groups")]
    [TestCase("GET", "/0")]
    [TestCase("GET", "/operations/01234567")]
    [TestCase("DELETE", "/operations/01234567")]
    [TestCase("GET", "/order-confirmation/error/a/b/c")]
    public async Task What_does_not_exist_is_not_found(string method, string path) => ExpectProblem(await SendAsync(method, path), 404);

    [Test]
    public async Task Another_method_is_not_allowed() => ExpectProblem(await SendAsync("PUT", "/order-confirmation/error"), 405);

    [Test]
    public async Task A_dry_run_counts_and_leaves_everything_as_it_is()
    {
        var answer = await PostAsync("/order-confirmation/error/park", """{"filter":{"orderId":"second"},"dryRun":true}""");

        Assert.That(answer.Status, Is.EqualTo(200), answer.Body);
        Assert.That(answer.Body, Is.EqualTo("""{"dryRun":true,"count":1}"""));
        Assert.That(answer.Location, Is.Null);
        Assert.That(await IdOfAsync("second"), Is.Not.Null);
    }

    [Test]
    public async Task What_is_asked_for_is_done_as_an_operation_and_on_record()
    {
        await _system.FailAsync("park-me");

        var began = await PostAsync("/order-confirmation/error/park", """{"filter":{"orderId":"park-me"},"reason":"The address is wrong"}""");
        var parked = await WaitForEndAsync(began);
        var discarded = await WaitForEndAsync(await PostAsync("/order-confirmation/parked/discard", """{"filter":{"orderId":"park-me"},"reason":"Told by phone","rate":100,"atMost":1}"""));
        var audit = (await GetAsync("/audit?orderId=park-me")).Json.AsArray();

        using (Assert.EnterMultipleScope())
        {
            Assert.That((string?)began.Json["operation"]!["who"], Is.EqualTo("olga"));
            Assert.That(((bool)began.Json["dryRun"]!, (int)began.Json["count"]!), Is.EqualTo((false, 1)));
            Assert.That((string?)parked["state"], Is.EqualTo("done"));
            Assert.That((int?)parked["done"], Is.EqualTo(1));
            Assert.That((string?)discarded["state"], Is.EqualTo("done"));
            Assert.That(audit.Select(entry => (string?)entry!["event"]), Is.EqualTo(["discard", "park"]));
            Assert.That(audit.Select(entry => (string?)entry!["reason"]), Is.EqualTo(["Told by phone", "The address is wrong"]));
            Assert.That((await GetAsync("/order-confirmation/parked?orderId=park-me")).Json["items"]!.AsArray(), Is.Empty);
            Assert.That((await GetAsync("/operations")).Json.AsArray().Select(operation => (string?)operation!["id"]), Does.Contain((string?)parked["id"]));
            Assert.That((await GetAsync($"/audit?operation={(string?)parked["id"]}&who=olga")).Json.AsArray(), Has.Count.EqualTo(3));
        }
    }

    [Test]
    public async Task A_replayed_message_is_sent_when_the_mail_server_is_back()
    {
        await _system.FailAsync("replay-me");
        _system.Mail.AsUsual(SmtpStep.Recipient);

        await WaitForEndAsync(await PostAsync("/order-confirmation/error/replay", """{"filter":{"orderId":"replay-me"}}"""));

        await _system.Mail.WaitFor("the confirmation", mail => mail.Messages.Any(email => email.Subject.Contains("replay-me", StringComparison.Ordinal)));
    }

    [Test]
    public async Task An_operation_can_be_cancelled()
    {
        await _system.FailAsync("cancel-1", "cancel-2");
        var began = await PostAsync("/order-confirmation/error/park", """{"filter":{"text":"cancel-"},"reason":"Slowly","rate":0.1}""");

        var cancelled = await SendAsync("DELETE", $"/operations/{(string?)began.Json["operation"]!["id"]}");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(cancelled.Status, Is.EqualTo(200), cancelled.Body);
            Assert.That((string?)cancelled.Json["state"], Is.EqualTo("cancelled"));
            Assert.That((int?)cancelled.Json["total"], Is.EqualTo(2));
            Assert.That((int?)cancelled.Json["done"], Is.LessThan(2));
        }
    }

    [TestCase("/order-confirmation/error/replay", "{}", "all")]
    [TestCase("/order-confirmation/error/replay", """{"filter":{}}""", "all")]
    [TestCase("/order-confirmation/error/replay", """{"filter":null,"all":false}""", "all")]
    [TestCase("/order-confirmation/error/replay", """{"filter":{},"dryRun":true}""", "all")]
    [TestCase("/order-confirmation/error/replay", """{"filter":{"orderId":"x"},"all":true}""", "all")]
    [TestCase("/order-confirmation/error/replay", """{"filter":{"text":""}}""", "filter.text")]
    [TestCase("/order-confirmation/error/replay", """{"filter":{"ids":[""]}}""", "filter.ids")]
    [TestCase("/order-confirmation/error/replay", """{"filter":{"minReplays":-1}}""", "filter.minReplays")]
    [TestCase("/order-confirmation/error/replay", """{"all":true,"rate":0}""", "rate")]
    [TestCase("/order-confirmation/error/replay", """{"all":true,"atMost":0}""", "atMost")]
    [TestCase("/order-confirmation/error/replay", """{"all":true,"reason":"two\nlines"}""", "reason")]
    [TestCase("/order-confirmation/error/park", """{"all":true}""", "reason")]
    [TestCase("/order-confirmation/error/discard", """{"all":true,"reason":"x"}""", "action")]
    [TestCase("/order-confirmation/parked/park", """{"all":true,"reason":"x","rate":-1}""", "action,rate")]
    [TestCase("/order-confirmation/error/replay", """{"al":true}""", "al")]
    [TestCase("/order-confirmation/error/replay", """{"filter":{"order":"x"}}""", "filter.order")]
    [TestCase("/order-confirmation/error/replay", """{"filter":{"minReplays":"2"}}""", "filter.minReplays")]
    [TestCase("/order-confirmation/error/replay", """{"filter":{"from":"yesterday"}}""", "filter.from")]
    [TestCase("/order-confirmation/error/replay", """{"all":"true"}""", "all")]
    public async Task Every_mistake_in_what_is_asked_for_is_named_and_nothing_is_done(string path, string body, string names)
    {
        var before = (await GetAsync("/operations")).Json.AsArray().Count;

        var refusal = await PostAsync(path, body);

        ExpectProblem(refusal, 400);
        Assert.That(refusal.Json["errors"]?.AsObject().Select(error => error.Key), Is.EquivalentTo(names.Split(',')), refusal.Body);
        Assert.That((await GetAsync("/operations")).Json.AsArray(), Has.Count.EqualTo(before));
    }

    [TestCase("", "must have a body")]
    [TestCase("null", "must have a body")]
    [TestCase("all", "line 1, byte 1")]
    [TestCase("\n\n{\"all\":true}}", "line 3, byte 13")]
    public async Task A_body_that_is_not_JSON_is_refused_with_the_place(string body, string detail)
    {
        var refusal = await PostAsync("/order-confirmation/error/replay", body);

        ExpectProblem(refusal, 400);
        Assert.That((string?)refusal.Json["detail"], Does.Contain(detail));
    }

    [TestCase("text/plain")]
    [TestCase("application/x-www-form-urlencoded")]
    [TestCase("application/json; charset=klingon")]
    public async Task A_body_of_another_type_is_refused(string contentType) =>
        ExpectProblem(await PostAsync("/order-confirmation/error/replay", """{"all":true,"dryRun":true}""", contentType), 415);

    [Test]
    public async Task A_body_that_is_too_large_is_refused() =>
        ExpectProblem(await PostAsync("/order-confirmation/error/replay", """{"all":true,"dryRun":true}""".PadRight((1024 * 1024) + 1)), 413);

    [Test]
    public async Task An_edited_message_is_replayed_with_its_new_body()
    {
        await _system.FailAsync("edit-me");
        var details = (await GetAsync($"/order-confirmation/error/{await IdOfAsync("edit-me")}")).Json;
        var body = ((string)details["text"]!).Replace("customer@example.com", "mended@example.com", StringComparison.Ordinal);
        _system.Mail.AsUsual(SmtpStep.Recipient);

        var answer = await PostAsync(
            $"/order-confirmation/error/{(string?)details["fault"]!["id"]}/edit", new JsonObject { ["body"] = body, ["reason"] = "A typing error" }.ToJsonString());

        Assert.That(answer.Status, Is.EqualTo(204), answer.Body);
        await _system.Mail.WaitFor("the mended confirmation", mail => mail.Messages.Any(email => email.Recipients.Contains("mended@example.com")));
    }

    [TestCase("""{}""", "body")]
    [TestCase("""{"body":"{\n  oops"}""", "body")]
    [TestCase("""{"body":"oops","contentType":"application/json"}""", "body")]
    [TestCase("""{"body":"x","contentType":"none"}""", "contentType")]
    [TestCase("""{"body":"{}","reason":""}""", "reason")]
    [TestCase("""{"body":"{}","why":"x"}""", "why")]
    public async Task A_mistaken_edit_is_refused_and_nothing_is_done(string request, string name)
    {
        var id = await IdOfAsync("third");

        var refusal = await PostAsync($"/order-confirmation/error/{id}/edit", request);

        ExpectProblem(refusal, 400);
        Assert.That(refusal.Json["errors"]!.AsObject().Select(error => error.Key), Is.EqualTo([name]));
        Assert.That(await IdOfAsync("third"), Is.EqualTo(id));
    }

    [Test]
    public async Task An_edit_that_is_not_JSON_is_told_the_line() =>
        Assert.That(
            (string?)(await PostAsync($"/order-confirmation/error/{await IdOfAsync("third")}/edit", """{"body":"{\n  oops"}""")).Json["errors"]!["body"]![0],
            Is.EqualTo("The body is not JSON: line 2, byte 3."));

    [Test]
    public async Task What_is_not_there_cannot_be_edited() => ExpectProblem(await PostAsync("/order-confirmation/error/0123/edit", """{"body":"{}"}"""), 404);

    [TestCase("/faults/api/error", "/faults/api/order-confirmation/error")]
    [TestCase("/faults/api/error/0123", "/faults/api/order-confirmation/error/0123")]
    [TestCase("/faults/api/parked/groups?text=a%20b", "/faults/api/order-confirmation/parked/groups?text=a%20b")]
    [TestCase("/faults/error?text=a%2Fb", "/faults/order-confirmation/error?text=a%2Fb")]
    [TestCase("/faults/parked/0123", "/faults/order-confirmation/parked/0123")]
    [TestCase("/faults/error/replay?id=0123", "/faults/order-confirmation/error/replay?id=0123")]
    public async Task Who_reads_by_an_address_without_an_endpoint_is_sent_to_the_default_one(string old, string address)
    {
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = _system.Http.BaseAddress };
        http.DefaultRequestHeaders.Authorization = Basic.Of("rita");

        using var answer = await http.GetAsync(new Uri(old, UriKind.Relative));

        Assert.That(((int)answer.StatusCode, answer.Headers.Location?.OriginalString), Is.EqualTo((308, address)));
    }

    [Test]
    public async Task What_is_done_by_an_address_without_an_endpoint_is_done_and_the_answer_names_the_new_one()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/faults/api/error/replay")
        {
            Content = new StringContent("""{"filter":{"orderId":"second"},"dryRun":true}""", new MediaTypeHeaderValue("application/json")),
        };
        request.Headers.Authorization = Basic.Of("olga");

        using var answer = await _system.Http.SendAsync(request);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await answer.Content.ReadAsStringAsync(), Is.EqualTo("""{"count":1}"""));
            Assert.That(answer.Headers.GetValues("Deprecation").Single(), Does.Match(@"^@\d+$"));
            Assert.That(answer.Headers.GetValues("Link").Single(), Is.EqualTo("</faults/api/order-confirmation/error/replay>; rel=\"successor-version\""));
        }
    }

    [Test]
    public async Task What_has_begun_by_an_address_without_an_endpoint_is_answered_as_before()
    {
        await _system.FailAsync("old-client");

        var began = await PostAsync("/error/park", """{"filter":{"orderId":"old-client"},"reason":"By an old client"}""");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(began.Status, Is.EqualTo(202), began.Body);
            Assert.That(began.Json.AsObject().Select(field => field.Key), Is.SupersetOf(["id", "who", "request", "state", "total"]).And.No.Member("operation"));
            Assert.That(began.Location, Is.EqualTo($"/faults/api/operations/{(string?)began.Json["id"]}"));
        }

        ExpectProblem(await PostAsync("/error/park", "{}"), 400);
    }

    [TestCase("/billing/error")]
    [TestCase("/order-confirmation/delayed")]
    public async Task An_endpoint_or_a_queue_that_is_not_there_is_not_found(string path) => ExpectProblem(await GetAsync(path), 404);

    [Test]
    public async Task The_endpoints_are_listed() => Assert.That(
        (await GetAsync("/endpoints")).Body,
        Does.Contain("""{"endpoint":"order-confirmation","errorQueue":"order-confirmation_error","parkingQueue":"order-confirmation_parked","isDefault":true}""")
            .And.Contain("""{"endpoint":"order-shipped","errorQueue":"order-shipped_error","parkingQueue":"order-shipped_parked","isDefault":false}"""));

    [TestCase("take=501", "take")]
    [TestCase("order=1", "order")]
    [TestCase("operation=", "operation")]
    public async Task Mistakes_about_the_audit_trail_are_named(string query, string name)
    {
        var refusal = await GetAsync($"/audit?{query}");

        ExpectProblem(refusal, 400);
        Assert.That(refusal.Json["errors"]!.AsObject().Select(error => error.Key), Is.EqualTo([name]));
    }

    private async Task<JsonNode> WaitForEndAsync(Answer began)
    {
        Assert.That(began.Status, Is.EqualTo(200), began.Body);
        var address = $"/operations/{(string?)began.Json["operation"]!["id"]}";
        Assert.That(began.Location, Is.EqualTo($"/faults/api{address}"));
        return (await Eventually.GetAsync(
            "the end of the operation",
            _ => GetAsync(address),
            answer => (string?)answer.Json["state"] != "running",
            TimeSpan.FromSeconds(20))).Json;
    }

    private async Task<string?> IdOfAsync(string orderId) =>
        (string?)(await GetAsync($"/order-confirmation/error?orderId={orderId}")).Json["items"]!.AsArray().SingleOrDefault()?["id"];

    private static void ExpectProblem(Answer answer, int status)
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(status), answer.Body);
            Assert.That(answer.MediaType, Is.EqualTo("application/problem+json"));
            Assert.That((int?)answer.Json["status"], Is.EqualTo(status));
            Assert.That((string?)answer.Json["detail"], Is.Not.Empty);
            Assert.That(answer.Body, Does.Not.Contain("   at ").And.Not.Contain("Exception").And.Not.Contain("System.").And.Not.Contain("/orders"));
        }
    }

    private Task<Answer> GetAsync(string path) => SendAsync("GET", path);

    private Task<Answer> PostAsync(string path, string body, string contentType = "application/json")
    {
        var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        content.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
        return SendAsync("POST", path, content);
    }

    private async Task<Answer> SendAsync(string method, string path, HttpContent? content = null)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), $"/faults/api{path}") { Content = content };
        request.Headers.Authorization = Basic.Of("olga");
        // The server closes the connection on which a body is too large, perhaps before all of it is sent.
        request.Headers.ExpectContinue = content?.Headers.ContentLength > 1024 * 1024;
        using var response = await _system.Http.SendAsync(request);
        return new Answer(
            (int)response.StatusCode, response.Content.Headers.ContentType?.MediaType, response.Headers.Location?.OriginalString, await response.Content.ReadAsStringAsync());
    }

    private sealed record Answer(int Status, string? MediaType, string? Location, string Body)
    {
        public JsonNode Json => JsonNode.Parse(Body)!;
    }
}
