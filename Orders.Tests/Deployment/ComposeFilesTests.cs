using System.Text.Json;

namespace Orders.Tests.Deployment;

/// <summary>What the compose files say of every service, also of those that only a profile or a further file starts.</summary>
[TestFixture("compose.yaml")]
[TestFixture("compose.yaml", "compose.tls.yaml")]
[TestFixture("compose.yaml", "compose.cluster.yaml")]
public sealed class ComposeFilesTests(params string[] files)
{
    private static readonly TimeSpan CommandTime = TimeSpan.FromMinutes(1);

    private JsonDocument _configuration = null!;

    private IEnumerable<JsonProperty> Services => _configuration.RootElement.GetProperty("services").EnumerateObject();

    [OneTimeSetUp]
    public async Task ReadAsync()
    {
        await ContainerEngine.RequireAsync();
        _configuration = JsonDocument.Parse(await ContainerEngine.RunAsync(
            ["compose", .. files.SelectMany(file => new[] { "--file", file }), "--profile", "*", "config", "--format", "json"], CommandTime, folder: Repository.Root));
    }

    [OneTimeTearDown]
    public void Forget() => _configuration?.Dispose();

    [Test]
    public void Every_service_is_confined()
    {
        using (Assert.EnterMultipleScope())
        {
            foreach (var (name, service) in Services.Select(service => (service.Name, service.Value)))
            {
                Assert.That(service.GetProperty("read_only").GetBoolean(), Is.True, name);
                Assert.That(Texts(service.GetProperty("cap_drop")), Is.EqualTo(["ALL"]), name);
                Assert.That(Texts(service.GetProperty("security_opt")), Is.EqualTo(["no-new-privileges:true"]), name);
                Assert.That(service.TryGetProperty("mem_limit", out _), Is.True, name);
                Assert.That(service.TryGetProperty("pids_limit", out _), Is.True, name);
                Assert.That(service.GetProperty("image").GetString(), Does.Match(@":(v?\d+\.\d+\.\d+(-management)?|local)$"), name);
            }
        }
    }

    [Test]
    public void Every_port_but_that_of_the_API_is_published_on_loopback_alone() => Assert.That(
        from service in Services
        where service.Value.TryGetProperty("ports", out _)
        from port in service.Value.GetProperty("ports").EnumerateArray()
        where !(port.TryGetProperty("host_ip", out var address) && address.GetString() == "127.0.0.1")
        select $"{service.Name} {port.GetProperty("target").GetInt32()}",
        Is.EqualTo(["orders-api 3000"]));

    private static IEnumerable<string?> Texts(JsonElement array) => array.EnumerateArray().Select(text => text.GetString());
}
