using Microsoft.AspNetCore.Http;
using Orders.FaultQueues.Access;

namespace Orders.Tests.FaultQueues.Access;

/// <summary>What a page of another site cannot make a browser do.</summary>
public sealed class CrossSiteTests
{
    [TestCase("POST", "same-origin", null, ExpectedResult = false)]
    [TestCase("POST", "none", null, ExpectedResult = false)]
    [TestCase("POST", "same-site", null, ExpectedResult = true)]
    [TestCase("POST", "cross-site", null, ExpectedResult = true)]
    [TestCase("POST", "something-new", null, ExpectedResult = true)]
    [TestCase("DELETE", "cross-site", null, ExpectedResult = true)]
    [TestCase("PUT", "cross-site", null, ExpectedResult = true)]
    [TestCase("GET", "cross-site", null, ExpectedResult = false)]
    [TestCase("HEAD", "cross-site", null, ExpectedResult = false)]
    [TestCase("OPTIONS", "cross-site", null, ExpectedResult = false)]
    [TestCase("POST", "same-origin", "https://evil.example", ExpectedResult = false)]
    [TestCase("POST", "cross-site", "http://faults.example:3001", ExpectedResult = true)]
    [TestCase("POST", null, null, ExpectedResult = false)]
    [TestCase("POST", null, "http://faults.example:3001", ExpectedResult = false)]
    [TestCase("POST", null, "https://faults.example:3001", ExpectedResult = false)]
    [TestCase("POST", null, "http://faults.example", ExpectedResult = true)]
    [TestCase("POST", null, "http://faults.example:3000", ExpectedResult = true)]
    [TestCase("POST", null, "http://evil.example:3001", ExpectedResult = true)]
    [TestCase("POST", null, "http://faults.example:3001.evil.example", ExpectedResult = true)]
    [TestCase("POST", null, "null", ExpectedResult = true)]
    [TestCase("GET", null, "http://evil.example", ExpectedResult = false)]
    public bool Refuses(string method, string? fetchSite, string? origin)
    {
        var request = new DefaultHttpContext().Request;
        request.Method = method;
        request.Host = new HostString("faults.example", 3001);
        request.Headers["Sec-Fetch-Site"] = fetchSite;
        request.Headers.Origin = origin;

        return CrossSite.IsRefused(request);
    }

    [TestCase("http://faults.example", "faults.example", ExpectedResult = false)]
    [TestCase("https://faults.example", "faults.example", ExpectedResult = false)]
    [TestCase("http://[::1]:3001", "[::1]:3001", ExpectedResult = false)]
    [TestCase("http://[::1]:3001", "[::2]:3001", ExpectedResult = true)]
    public bool Knows_the_host_that_it_is_called_by(string origin, string host)
    {
        var request = new DefaultHttpContext().Request;
        request.Method = "POST";
        request.Host = new HostString(host);
        request.Headers.Origin = origin;

        return CrossSite.IsRefused(request);
    }
}
