using System.Text.Json.Nodes;
using Orders.FaultQueues;

namespace Orders.Tests.FaultQueues;

public sealed class JsonPathTests
{
    private static readonly JsonNode Document = JsonNode.Parse("""
        {"id":"A-1","number":42,"paid":true,"nothing":null,"a b":{"größe":7.50},"lines":[{"sku":"x"},["y"]]}
        """)!;

    [TestCase("$.id", "A-1")]
    [TestCase("$.number", "42")]
    [TestCase("$['a b'].größe", "7.50")]
    [TestCase("$.lines[0].sku", "x")]
    [TestCase("$.lines[1][0]", "y")]
    [TestCase("$.lines[2]", null)]
    [TestCase("$.lines", null)]
    [TestCase("$.id.more", null)]
    [TestCase("$.id[0]", null)]
    [TestCase("$[0]", null)]
    [TestCase("$.Id", null)]
    [TestCase("$.paid", null)]
    [TestCase("$.nothing", null)]
    public void A_path_leads_to_a_text_or_a_number_or_nowhere(string path, string? value) =>
        Assert.That(JsonPath.Parse(path).Read(Document), Is.EqualTo(value));

    [TestCase("")]
    [TestCase("$")]
    [TestCase("id")]
    [TestCase("$.")]
    [TestCase("$..id")]
    [TestCase("$.lines[*]")]
    [TestCase("$.lines[-1]")]
    [TestCase("$.lines[99999999999]")]
    [TestCase("$.a b")]
    [TestCase("$['id")]
    [TestCase("$.id\n")]
    public void Another_query_is_refused_with_an_example(string path) =>
        Assert.That(() => JsonPath.Parse(path), Throws.TypeOf<FormatException>().With.Message.EqualTo(
            $"'{path}' is not a path to one value. A path looks like $.invoice.number or $.lines[0]['number']."));
}
