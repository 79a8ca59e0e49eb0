using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Orders.FaultQueues;

/// <summary>
/// The way to one value of a JSON document: a singular query of RFC 9535, such as <c>$.invoice.lines[0].number</c> or
/// <c>$['invoice']</c> (https://www.rfc-editor.org/rfc/rfc9535#section-2.3.5.1).
/// </summary>
/// <remarks>Filters, wildcards and negative indexes are left out. The library for whole queries asks companies for a fee.</remarks>
public sealed partial class JsonPath
{
    private readonly string _text;
    private readonly object[] _steps;

    private JsonPath(string text, object[] steps) => (_text, _steps) = (text, steps);

    /// <summary>Reads a path.</summary>
    /// <exception cref="FormatException">It is no such path; the message says what one looks like.</exception>
    public static JsonPath Parse(string text) =>
        TryParse(text) ?? throw new FormatException($"'{text}' is not a path to one value. A path looks like $.invoice.number or $.lines[0]['number'].");

    /// <summary>Reads a path; <c>null</c> where it is none.</summary>
    public static JsonPath? TryParse(string? text) => text is not null && Path().Match(text) is { Success: true } path
        ? new JsonPath(text, [.. path.Groups["step"].Captures.Select(Step)])
        : null;

    /// <summary>The value at the end of the path as text; <c>null</c> where there is none, or it is neither text nor a number.</summary>
    public string? Read(JsonNode? document)
    {
        foreach (var step in _steps)
        {
            document = (document, step) switch
            {
                (JsonObject parent, string name) => parent[name],
                (JsonArray parent, int index) when index < parent.Count => parent[index],
                _ => null,
            };
        }

        return document is JsonValue value ? value.GetValueKind() switch
        {
            JsonValueKind.String => value.GetValue<string>(),
            JsonValueKind.Number => value.ToJsonString(),
            _ => null,
        }
        : null;
    }

    /// <inheritdoc/>
    public override string ToString() => _text;

    private static object Step(Capture step) => step.Value switch
    {
        ['[', '\'', .. var name, '\'', ']'] => name,
        ['[', .. var index, ']'] => int.Parse(index, CultureInfo.InvariantCulture),
        var name => name[1..],
    };

    [GeneratedRegex(@"^\$(?<step>\.[\p{L}_][\p{L}\p{N}_]*|\['[^'\\]+'\]|\[[0-9]{1,9}\])+\z", RegexOptions.CultureInvariant)]
    private static partial Regex Path();
}
