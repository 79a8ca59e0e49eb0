using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Mvc.Testing;
using Orders.Api.Orders;
using Orders.Api.Publishing;
using Orders.Api.Shipments;

namespace Orders.Tests.Api;

/// <summary>The OpenAPI document, as people and generators of clients read it.</summary>
public sealed class OpenApiDocumentTests
{
    private WebApplicationFactory<MessagePublisher> _api = null!;
    private JsonNode _document = null!;

    [OneTimeSetUp]
    public async Task ReadTheDocument()
    {
        _api = new WebApplicationFactory<MessagePublisher>();
        using var http = _api.CreateClient();
        _document = JsonNode.Parse(await http.GetStringAsync(new Uri("/openapi/v1.json", UriKind.Relative)))!;
    }

    [OneTimeTearDown]
    public async Task EndTheApi() => await _api.DisposeAsync();

    [Test]
    public void It_shows_the_operations_of_the_server_that_it_came_from()
    {
        Assert.Multiple(() =>
        {
            Assert.That(Keys(_document["paths"]), Is.EquivalentTo(["/orders", "/orders/{orderId}", "/orders/{orderId}/events", "/orders/{orderId}/shipments"]));
            Assert.That(Keys(_document["paths"]!["/orders"]), Is.EqualTo(["post"]));
            Assert.That(_document["servers"], Is.Null);
            Assert.That((string?)_document["info"]!["description"], Is.Not.Empty);
            Assert.That((string?)Operation["summary"], Is.EqualTo("Place an order"));
            Assert.That((string?)Operation["description"], Is.Not.Empty);
        });
    }

    [Test]
    public void The_example_is_the_tutorials_order_and_would_be_accepted()
    {
        var example = Operation["requestBody"]!["content"]!["application/json"]!["example"]!;

        Assert.Multiple(() =>
        {
            Assert.That(example.ToJsonString(), Is.EqualTo("""{"orderId":"12345","email":"customer@example.com","product":"Laptop"}"""));
            Assert.That(Request((string)example["orderId"]!, (string)example["email"]!, (string)example["product"]!).Validate(), Is.Empty);
        });
    }

    [TestCase("202", "application/json", "PlaceOrderResponse", "Location")]
    [TestCase("400", "application/problem+json", "HttpValidationProblemDetails", null)]
    [TestCase("408", "application/problem+json", "ProblemDetails", null)]
    [TestCase("409", "application/problem+json", "ProblemDetails", null)]
    [TestCase("413", "application/problem+json", "ProblemDetails", null)]
    [TestCase("415", "application/problem+json", "ProblemDetails", null)]
    [TestCase("429", "application/problem+json", "ProblemDetails", "Retry-After")]
    [TestCase("503", "application/problem+json", "ProblemDetails", "Retry-After")]
    public void Every_answer_is_described_with_its_body_and_its_header(string status, string mediaType, string schema, string? header)
    {
        foreach (var (operation, answer) in new[] { (Operation, "PlaceOrderResponse"), (ShipmentOperation, "AnnounceShipmentResponse") })
        {
            var response = operation["responses"]![status]!;

            Assert.Multiple(() =>
            {
                Assert.That((string?)response["description"], Is.Not.Empty);
                Assert.That(
                    (string?)response["content"]?[mediaType]?["schema"]?["$ref"],
                    Is.EqualTo($"#/components/schemas/{(schema == "PlaceOrderResponse" ? answer : schema)}"));
                Assert.That(response["content"]?[mediaType]?["example"], Is.Not.Null);
                Assert.That(Keys(response["headers"]), Is.EqualTo(header is null ? [] : new[] { header }));
            });
        }
    }

    [TestCase("/orders/{orderId}", "200", "application/json")]
    [TestCase("/orders/{orderId}", "404", "application/problem+json")]
    [TestCase("/orders/{orderId}", "429", "application/problem+json")]
    [TestCase("/orders/{orderId}", "503", "application/problem+json")]
    [TestCase("/orders/{orderId}/events", "200", "text/event-stream")]
    [TestCase("/orders/{orderId}/events", "404", "application/problem+json")]
    [TestCase("/orders/{orderId}/events", "429", "application/problem+json")]
    [TestCase("/orders/{orderId}/events", "503", "application/problem+json")]
    public void Every_answer_about_an_order_is_described_with_its_body(string path, string status, string mediaType)
    {
        var operation = _document["paths"]![path]!["get"]!;
        var response = operation["responses"]![status]!;

        Assert.Multiple(() =>
        {
            Assert.That(Keys(operation["responses"]), Is.EquivalentTo(["200", "404", "429", "503"]));
            Assert.That((string?)operation["parameters"]!.AsArray().Single()!["schema"]!["pattern"], Is.EqualTo("^[A-Za-z0-9._-]{1,64}$"));
            Assert.That((string?)response["description"], Is.Not.Empty);
            Assert.That(Keys(response["content"]), Is.EqualTo([mediaType]));
            Assert.That(Keys(response["headers"]), Is.EqualTo(status is "429" or "503" ? ["Retry-After"] : Array.Empty<string>()));
        });
    }

    [Test]
    public void A_status_is_one_of_four_words_and_the_key_is_described()
    {
        var key = Operation["parameters"]!.AsArray().Single()!;

        Assert.Multiple(() =>
        {
            Assert.That(
                _document["components"]!["schemas"]!["OrderStatus"]!["enum"]!.AsArray().Select(word => (string?)word),
                Is.EqualTo(["placed", "retrying", "confirmed", "failed"]));
            Assert.That(((string?)key["name"], (string?)key["in"]), Is.EqualTo(("Idempotency-Key", "header")));
            Assert.That((string?)key["description"], Is.Not.Empty);
        });
    }

    [Test]
    public void No_other_answer_is_announced()
    {
        foreach (var operation in new[] { Operation, ShipmentOperation })
        {
            Assert.That(Keys(operation["responses"]), Is.EquivalentTo(["202", "400", "408", "409", "413", "415", "429", "503"]));
        }
    }

    [Test]
    public void The_example_of_a_shipment_would_be_accepted_and_its_fields_are_described()
    {
        var example = ShipmentOperation["requestBody"]!["content"]!["application/json"]!["example"]!;
        var schema = _document["components"]!["schemas"]!["AnnounceShipmentRequest"]!;

        Assert.Multiple(() =>
        {
            Assert.That(
                new AnnounceShipmentRequest((string?)example["email"], (string?)example["trackingNumber"], (string?)example["carrier"], (string?)example["link"]).Validate("12345"),
                Is.Empty);
            Assert.That(schema["required"]!.AsArray().Select(name => (string?)name), Is.EquivalentTo(["email", "trackingNumber"]));
            Assert.That(Matches(schema["properties"]!["trackingNumber"]!, new string('x', 64)));
            Assert.That(Matches(schema["properties"]!["trackingNumber"]!, new string('x', 65)), Is.False);
            Assert.That(Matches(schema["properties"]!["carrier"]!, new string('x', 100)));
            Assert.That(Matches(schema["properties"]!["carrier"]!, new string('x', 101)), Is.False);
            Assert.That((int?)schema["properties"]!["link"]!["maxLength"], Is.EqualTo(2_000));
            Assert.That((string?)ShipmentOperation["parameters"]!.AsArray().Single()!["schema"]!["pattern"], Is.EqualTo("^[A-Za-z0-9._-]{1,64}$"));
        });
    }

    [Test]
    public void Email_and_product_are_required_and_the_order_id_is_not()
    {
        Assert.Multiple(() =>
        {
            Assert.That(RequestSchema["required"]!.AsArray().Select(name => (string?)name), Is.EquivalentTo(["email", "product"]));
            Assert.That((string?)Property("email")["type"], Is.EqualTo("string"));
            Assert.That((string?)Property("email")["format"], Is.EqualTo("idn-email"));
            Assert.That((int?)Property("email")["maxLength"], Is.EqualTo(254));
            Assert.That((string?)Property("product")["type"], Is.EqualTo("string"));
            foreach (var (_, schema) in RequestSchema["properties"]!.AsObject())
            {
                Assert.That((string?)schema!["description"], Is.Not.Empty);
            }
        });
    }

    [TestCase("orderId", "a")]
    [TestCase("orderId", "Az09._-")]
    [TestCase("orderId", "")]
    [TestCase("orderId", "with space")]
    [TestCase("orderId", "ümlaut")]
    [TestCase("orderId", "a\n")]
    [TestCase("product", "Laptop")]
    [TestCase("product", "Kaffee, süß ☕")]
    [TestCase("product", "")]
    [TestCase("product", "two\nlines")]
    [TestCase("product", "Laptop\n")]
    [TestCase("product", "\u0085")]
    public void A_pattern_accepts_what_the_validation_accepts(string field, string value) =>
        Assert.That(
            Matches(Property(field), value),
            Is.EqualTo((field == "orderId" ? Request(orderId: value) : Request(product: value)).Validate().Count == 0));

    [TestCase("orderId", 64)]
    [TestCase("product", 200)]
    public void A_pattern_knows_the_longest_value(string field, int longest)
    {
        Assert.Multiple(() =>
        {
            Assert.That(Matches(Property(field), new string('x', longest)));
            Assert.That(Matches(Property(field), new string('x', longest + 1)), Is.False);
        });
    }

    private JsonNode Operation => _document["paths"]!["/orders"]!["post"]!;

    private JsonNode ShipmentOperation => _document["paths"]!["/orders/{orderId}/shipments"]!["post"]!;

    private JsonNode RequestSchema => _document["components"]!["schemas"]!["PlaceOrderRequest"]!;

    private JsonNode Property(string name) => RequestSchema["properties"]![name]!;

    // In ECMAScript, and so in the document, $ is the very end; in .NET a line feed may follow it.
    private static bool Matches(JsonNode property, string value) =>
        Regex.IsMatch(value, ((string)property["pattern"]!).Replace("$", @"\z", StringComparison.Ordinal));

    private static PlaceOrderRequest Request(string? orderId = "12345", string? email = "customer@example.com", string? product = "Laptop") =>
        new(orderId, email, product);

    private static string[] Keys(JsonNode? node) => node is null ? [] : [.. node.AsObject().Select(entry => entry.Key)];
}
