namespace Orders.Tests.Monitoring;

/// <summary>The rules by which Prometheus raises alerts, tested by its own tool.</summary>
public sealed class PrometheusRulesTests
{
    private static readonly TimeSpan CommandTime = TimeSpan.FromMinutes(1);
    private static readonly string Folder = Path.Combine(Repository.Root, "deploy", "prometheus");

    [Test]
    public Task The_configuration_and_its_rules_are_valid() => RunPromtoolAsync("check", "config", "/etc/prometheus/prometheus.yml");

    [Test]
    public Task Each_rule_fires_when_it_should_and_not_before() => RunPromtoolAsync("test", "rules", "/etc/prometheus/orders.rules.test.yml");

    [Test]
    public void Each_alert_is_tested()
    {
        var rules = File.ReadAllLines(Path.Combine(Folder, "orders.rules.yml")).Where(line => line.Contains("- alert: ", StringComparison.Ordinal));
        var tests = File.ReadAllText(Path.Combine(Folder, "orders.rules.test.yml"));

        Assert.That(
            rules.Select(rule => rule.Split(": ")[1]),
            Is.Not.Empty.And.All.Matches<string>(alert => tests.Contains($"        alertname: {alert}\n        exp_alerts:", StringComparison.Ordinal)));
    }

    private static async Task RunPromtoolAsync(params string[] arguments)
    {
        await ContainerEngine.RequireImageAsync(PrometheusUnderTest.Image);
        await ContainerEngine.RunAsync(
            ["run", "--rm", "--volume", $"{Folder}:/etc/prometheus:ro", "--entrypoint", "promtool", PrometheusUnderTest.Image, .. arguments], CommandTime);
    }
}
