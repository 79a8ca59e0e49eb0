using System.Text.Json.Nodes;

namespace Orders.Tests.ServiceDefaults.Documentation;

/// <summary>What generators of clients stumble over is in none of the OpenAPI documents.</summary>
internal sealed class ClientGeneratorsTests
{
    private static readonly string[] Addresses = ["/openapi/v1.json", "/openapi/faults.json"];

    private readonly Dictionary<string, JsonNode> _documents = [];
    private OrderSystem _system = null!;

    [OneTimeSetUp]
    public async Task ReadTheDocumentsAsync()
    {
        _system = await OrderSystem.StartAsync(TransportUnderTest.InMemory, settings: Basic.Users);
        foreach (var address in Addresses)
        {
            _documents[address] = JsonNode.Parse(await _system.Http.GetStringAsync(new Uri(address, UriKind.Relative)))!;
        }
    }

    [OneTimeTearDown]
    public async Task StopAsync() => await _system.DisposeAsync();

    [TestCaseSource(nameof(Addresses))]
    public void Every_operation_has_a_verb_of_its_own_for_a_name(string address)
    {
        var names = Operations(address).Select(operation => (string?)operation["operationId"]).ToList();

        Assert.That(names, Is.All.Match("^[a-z]+([A-Z][a-z]+)*$"));
        Assert.That(names, Is.Unique);
    }

    [TestCaseSource(nameof(Addresses))]
    public void Every_operation_succeeds_in_one_way(string address)
    {
        foreach (var operation in Operations(address))
        {
            Assert.That(Responses(operation).Where(response => response.Status[0] == '2').ToList(), Has.Count.EqualTo(1), (string?)operation["operationId"]);
        }
    }

    [TestCaseSource(nameof(Addresses))]
    public void Every_answer_is_described_with_its_body(string address)
    {
        foreach (var operation in Operations(address))
        {
            foreach (var (status, response) in Responses(operation))
            {
                var what = $"{(string?)operation["operationId"]} {status}";
                Assert.That((string?)response["description"], Is.Not.Empty, what);
                Assert.That(response["content"]?.AsObject().Single().Value!["schema"] is not null, Is.EqualTo(status != "204"), what);
                if (status[0] is '4' or '5')
                {
                    Assert.That(
                        (string?)response["content"]!["application/problem+json"]!["schema"]!["$ref"],
                        Is.EqualTo($"#/components/schemas/{(status == "400" ? "HttpValidationProblemDetails" : "ProblemDetails")}"),
                        what);
                }
            }
        }
    }

    [TestCaseSource(nameof(Addresses))]
    public void Every_enumeration_has_one_name_and_is_of_strings(string address)
    {
        var schemas = _documents[address]["components"]!["schemas"]!.AsObject();
        var enumerations = Objects(_documents[address]).Where(schema => schema["enum"] is JsonArray).ToList();

        Assert.That(enumerations, Is.Not.Empty);
        Assert.That(enumerations, Is.SubsetOf(schemas.Select(schema => schema.Value)), "One is inlined.");
        Assert.That(enumerations.Select(schema => schema["enum"]!.ToJsonString()), Is.Unique);
        Assert.That(enumerations.Select(schema => (string?)schema["type"]), Is.All.EqualTo("string"));
    }

    [TestCaseSource(nameof(Addresses))]
    public void No_number_may_be_a_text(string address)
    {
        var types = Objects(_documents[address]).Select(schema => schema["type"]).OfType<JsonArray>().Select(types => types.Select(type => (string?)type).ToArray()).ToList();

        Assert.That(types, Is.Not.Empty);
        Assert.That(types, Is.All.Length.EqualTo(2).And.All.Contains("null"));
    }

    [TestCaseSource(nameof(Addresses))]
    public void No_field_has_a_default_value(string address) =>
        Assert.That(Objects(_documents[address]).Where(schema => schema.ContainsKey("default")), Is.Empty);

    [TestCase("/openapi/v1.json", "watchOrder", "OrderRecord")]
    [TestCase("/openapi/faults.json", "watchQueues", "CountsEvent,LookEvent,FaultOperation")]
    public void A_stream_is_text_and_the_schemas_of_its_events_have_names(string address, string stream, string events)
    {
        var operation = Operations(address).Single(operation => (string?)operation["operationId"] == stream);
        var schemas = _documents[address]["components"]!["schemas"]!.AsObject().Select(schema => schema.Key).ToList();

        Assert.That(operation["responses"]!["200"]!["content"]!.ToJsonString(), Is.EqualTo("""{"text/event-stream":{"schema":{"type":"string"}}}"""));
        foreach (var name in events.Split(','))
        {
            Assert.That((string?)operation["description"], Does.Contain($"`{name}`"));
            Assert.That(schemas, Does.Contain(name));
        }

        Assert.That(schemas, Has.None.Contains("SseItem"));
    }

    private IEnumerable<JsonNode> Operations(string address) =>
        from path in _documents[address]["paths"]!.AsObject()
        from operation in path.Value!.AsObject()
        select operation.Value!;

    private static IEnumerable<(string Status, JsonNode Response)> Responses(JsonNode operation) =>
        operation["responses"]!.AsObject().Select(response => (response.Key, response.Value!));

    /// <summary>Every object of a document, schemas among them; not those of examples.</summary>
    private static IEnumerable<JsonObject> Objects(JsonNode? node) => node switch
    {
        JsonObject one => one.Where(member => member.Key != "example").SelectMany(member => Objects(member.Value)).Prepend(one),
        JsonArray many => many.SelectMany(Objects),
        _ => [],
    };
}
