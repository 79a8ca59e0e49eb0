using System.Text;
using CsCheck;

namespace Orders.Tests.Hostile;

/// <summary>HTTP as no client library would write it. None of it holds an order.</summary>
internal static class HostileRequest
{
    private static readonly Gen<string> RequestLine = Gen.OneOf(
        "POST /orders HTTP/1.1", "POST /orders HTTP/1.0", "POST /orders HTTP/9.9", "POST /orders", "POST  /orders HTTP/1.1", "POST\t/orders\tHTTP/1.1",
        "\0 /orders HTTP/1.1", "POST /orders\0 HTTP/1.1", "POST /%ff%fe%00 HTTP/1.1", "POST http://evil.example/orders HTTP/1.1", "CONNECT evil.example:25 HTTP/1.1",
        "OPTIONS * HTTP/1.1", "TRACE /orders HTTP/1.1", "GET /faults/api/%2e%2e/%2e%2e/etc HTTP/1.1", "GET /health/details/../live HTTP/1.1", "GET /swagger/..%5c..%5c HTTP/1.1",
        "EHLO evil.example", "PRI * HTTP/1.1", $"GET /{new string('a', 9_000)} HTTP/1.1", "GET /?a=%0d%0aBcc:%20a HTTP/1.1");

    private static readonly Gen<string> Header = Gen.OneOf(
        "Content-Type: application/json", "Content-Type: application/json\r\nContent-Type: text/plain", "Content-Type: \u00ff\u0000", "Content-Type:", "Content-Type: application/json; charset=\u00e4",
        "Content-Length: 2\r\nContent-Length: 40", "Content-Length: -1", "Content-Length: 99999999999999999999", "Content-Length: 0x2", "Content-Length: 2\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked, identity", "Transfer-Encoding: \vchunked",
        "Host: a\r\nHost: b", "Host: evil.example\\@localhost", "Host: \u0001", "Host:", "Host: [::1", "X-Forwarded-For: 1\r\nX-Forwarded-Proto: javascript", "X-Forwarded-For: 999.999.999.999, %00",
        "Expect: 200-maybe", "Expect: 100-continue", "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__", "Connection: Host, Content-Type", "Accept: */*;q=%s", "Accept-Encoding: a;q=9", "Cookie: =;=;\u00ff", "Authorization: Basic \u00ff", "Authorization: Basic " + "QQ==",
        "traceparent: 00-00000000000000000000000000000000-0000000000000000-00", "baggage: \u00ff=,=,", "Sec-Fetch-Site: \0", "Origin: null", "If-None-Match: \"", "Range: bytes=9-1",
        "Bcc : thief@evil.example", " folded: header", ": no name", "no colon", "X-\u00e4: umlaut", "X-Null: \0", "X-Bare: a\rb", "X-Bare: a\nBcc: thief@evil.example", $"X-Long: {new string('x', 20_000)}");

    private static readonly Gen<string> Rest = Gen.OneOf(
        "", "{}", "2\r\n{}\r\n0\r\n\r\n", "ffffffffffffffff\r\n", "-1\r\n{}\r\n", "2;a=\"\r\n\r\n{}\r\n0\r\nBcc: thief@evil.example\r\n\r\n", "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n", "2\r\n{}", "zz\r\n", "\0\0\0");

    public static byte[] Generate(PCG random) =>
        Encoding.Latin1.GetBytes(Gen.Select(RequestLine, Header.Array[0, 4], Gen.OneOf("\r\n", "\r\n", "\r\n", "\n", "\r"), Rest, Gen.Bool, (line, headers, end, rest, hasHost) =>
            string.Join(end, [line, .. hasHost ? ["Host: localhost"] : Array.Empty<string>(), .. headers, "", rest])).Generate(random, null, out _));
}
