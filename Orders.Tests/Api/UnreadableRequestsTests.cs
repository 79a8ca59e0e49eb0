using System.Net.Http.Headers;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Orders.Api.Orders;

namespace Orders.Tests.Api;

/// <summary>Requests in which no order can be found, and what the API says to them wherever it runs.</summary>
[TestFixture("Production")]
[TestFixture("Development")]
internal sealed class UnreadableRequestsTests(string environment)
{
    private const string Valid = """{"orderId":"12345","email":"customer@example.com","product":"Laptop"}""";

    private ApiUnderTest _api = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _api = await ApiUnderTest.StartAsync(environment);

    [OneTimeTearDown]
    public async Task StopAsync() => await _api.DisposeAsync();

    [SetUp]
    public void Forget() => _api.TakePublished();

    [TestCase("", TestName = "An_empty_body_is_refused")]
    [TestCase(" ", TestName = "A_blank_body_is_refused")]
    [TestCase("null", TestName = "Null_is_refused")]
    [TestCase("[]", TestName = "An_array_is_refused")]
    [TestCase("[" + Valid + "]", TestName = "An_array_with_an_order_is_refused")]
    [TestCase("\"order\"", TestName = "A_string_is_refused")]
    [TestCase("42", TestName = "A_number_is_refused")]
    [TestCase("orderId=12345&email=customer@example.com", TestName = "A_form_that_says_it_is_JSON_is_refused")]
    [TestCase("""{"orderId":"12345",""", TestName = "A_body_that_ends_too_soon_is_refused")]
    [TestCase(Valid + "x", TestName = "Garbage_after_the_order_is_refused")]
    [TestCase(Valid + Valid, TestName = "Two_orders_in_one_body_are_refused")]
    [TestCase("""{'orderId':'12345'}""", TestName = "Single_quotes_are_refused")]
    [TestCase("""{"orderId":12345,"email":"customer@example.com","product":"Laptop"}""", TestName = "A_number_for_an_order_id_is_refused")]
    [TestCase("""{"orderId":"1","email":["customer@example.com"],"product":"Laptop"}""", TestName = "An_array_for_an_address_is_refused")]
    [TestCase("""{"orderId":"1","email":"customer@example.com","product":{"name":"Laptop"}}""", TestName = "An_object_for_a_product_is_refused")]
    [TestCase("""{"orderId":"1","email":"customer@example.com","product":true}""", TestName = "A_boolean_for_a_product_is_refused")]
    [TestCase("""{"orderId":"1","email":"customer@example.com","product":"\ud83d"}""", TestName = "Half_a_surrogate_pair_is_refused")]
    [TestCase("""{"orderId":"1","email":"customer@example.com","product":"\udcbb\ud83d"}""", TestName = "A_surrogate_pair_the_wrong_way_round_is_refused")]
    [TestCase("""{"orderId":"1","email":"customer@example.com","product":"Laptop","\ud83d":1}""", TestName = "Half_a_surrogate_pair_in_a_name_is_refused")]
    [TestCase("{\"orderId\":\"1\",\"email\":\"customer@example.com\",\"product\":\"Lap\ntop\"}", TestName = "A_bare_line_feed_in_a_string_is_refused")]
    [TestCase("{\"orderId\":\"1\",\"email\":\"customer@example.com\",\"product\":\"Laptop\0\"}", TestName = "A_bare_null_in_a_string_is_refused")]
    [TestCase("""{"orderId":"1","email":"a@example.com","email":"b@example.com","product":"Laptop"}""", TestName = "A_field_given_twice_is_refused")]
    [TestCase("""{"orderId":"1","email":"a@example.com","Email":"b@example.com","product":"Laptop"}""", TestName = "A_field_given_twice_in_another_case_is_refused")]
    public async Task NotAnOrder(string body) => _api.Expect(await _api.PostAsync(body), 400);

    [Test]
    public async Task A_very_deep_body_is_refused() =>
        _api.Expect(await _api.PostAsync($$"""{"deep":{{new string('[', 8_000)}}{{new string(']', 8_000)}}}"""), 400);

    [Test]
    public async Task Bytes_that_are_not_UTF_8_are_refused() =>
        _api.Expect(await _api.PostAsync([.. Encoding.UTF8.GetBytes("""{"orderId":"1","email":"customer@example.com","product":"L"""), 0xE4, .. "ptop\"}"u8]), 400);

    [Test]
    public async Task The_place_of_a_mistake_is_named()
    {
        var notJson = await _api.PostAsync("{\n  \"orderId\": 12345x }");
        var wrongType = await _api.PostAsync("{\n  \"orderId\": 12345 }");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(notJson.Detail, Does.Contain("line 2"));
            Assert.That(wrongType.Detail, Does.Contain("$.orderId").And.Contain("line 2"));
        }
    }

    [TestCase(null, TestName = "A_body_of_no_declared_type_is_refused")]
    [TestCase("text/plain", TestName = "Plain_text_is_refused")]
    [TestCase("application/x-www-form-urlencoded", TestName = "A_form_is_refused")]
    [TestCase("application/xml", TestName = "XML_is_refused")]
    [TestCase("json", TestName = "A_type_that_is_none_is_refused")]
    [TestCase("application/json; charset=klingon", TestName = "An_unknown_encoding_is_refused")]
    [TestCase("application/json; charset=utf-7", TestName = "UTF_7_is_refused")]
    [TestCase("application/json; charset=\"utf-7\"", TestName = "Quoted_UTF_7_is_refused")]
    [TestCase("application/json; charset=\"klingon\"", TestName = "A_quoted_unknown_encoding_is_refused")]
    public async Task NotJson(string? contentType) => _api.Expect(await _api.PostAsync(Valid, contentType: contentType), 415);

    [TestCase("application/json; charset=utf-8")]
    [TestCase("application/json; charset=\"UTF-8\"")]
    [TestCase("application/json;charset=UTF-8;version=1")]
    public async Task A_charset_of_UTF_8_is_taken(string contentType)
    {
        var answer = await _api.PostAsync(Valid, contentType: contentType);

        Assert.That(answer.Status, Is.EqualTo(202), answer.Body);
    }

    [Test]
    public async Task A_body_of_16_KiB_is_taken()
    {
        var answer = await _api.PostAsync(Valid.PadRight(OrdersEndpoints.MaxBodySize));

        Assert.That(answer.Status, Is.EqualTo(202), answer.Body);
    }

    [TestCase("/orders")]
    [TestCase("/order")]
    public async Task A_body_over_16_KiB_is_refused_by_its_declared_length(string path) =>
        _api.Expect(await _api.PostAsync(Valid.PadRight(OrdersEndpoints.MaxBodySize + 1), path), 413);

    [TestCase("/orders")]
    [TestCase("/order")]
    public async Task A_body_over_16_KiB_is_refused_when_it_declares_no_length(string path)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(Valid.PadRight(OrdersEndpoints.MaxBodySize + 1)) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.TransferEncodingChunked = true;

        _api.Expect(await _api.SendAsync(request), 413);
    }

    [Test]
    public async Task An_unknown_address_is_not_found() =>
        _api.Expect(await _api.SendAsync(new HttpRequestMessage(HttpMethod.Post, "/oders")), 404);

    [TestCase("GET")]
    [TestCase("PUT")]
    [TestCase("DELETE")]
    public async Task Another_method_is_not_allowed(string method)
    {
        var answer = await _api.SendAsync(new HttpRequestMessage(new HttpMethod(method), "/orders"));

        _api.Expect(answer, 405);
        Assert.That(answer.ContentHeaders.Allow, Is.EqualTo(["POST"]));
    }

    [TestCase("POST", "/orders", "not JSON", 400)]
    [TestCase("POST", "/orders", "{}", 400)]
    [TestCase("GET", "/nowhere", null, 404)]
    public async Task Even_a_client_that_asks_for_something_else_gets_problem_details(string method, string path, string? body, int status)
    {
        var request = new HttpRequestMessage(new HttpMethod(method), path);
        request.Headers.Accept.ParseAdd("text/html");
        if (body is not null)
        {
            request.Content = new StringContent(body, new MediaTypeHeaderValue("application/json"));
        }

        _api.Expect(await _api.SendAsync(request), status);
    }

    [TestCase("*/*")]
    [TestCase("text/html")]
    public async Task A_failure_of_our_own_tells_nothing_of_our_insides(string accept)
    {
        await using var broken = await ApiUnderTest.StartAsync(environment, services => services.AddSingleton<TimeProvider, BrokenClock>());
        var request = new HttpRequestMessage(HttpMethod.Post, "/orders") { Content = new StringContent(Valid, new MediaTypeHeaderValue("application/json")) };
        request.Headers.Accept.ParseAdd(accept);

        var answer = await broken.SendAsync(request);

        broken.Expect(answer, 500);
        Assert.That(answer.Body, Does.Not.Contain(BrokenClock.Secret));
    }

    private sealed class BrokenClock : TimeProvider
    {
        public const string Secret = "the clock has stopped";

        public override DateTimeOffset GetUtcNow() => throw new InvalidOperationException(Secret);
    }
}
