using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using Orders.FaultQueues.Inspection;
using Orders.FaultQueues.Operations;
using Orders.ServiceDefaults.Telemetry;

namespace Orders.Tests.Monitoring;

/// <summary>The dashboard and the alerts on a real Prometheus, which watches real orders on a real RabbitMQ.</summary>
[Long]
[Alone]
internal sealed class MonitoringTests
{
    /// <summary>In the place of Grafana's variable, and long enough that all that has happened is in it.</summary>
    private const string RateInterval = "5m";

    private const string OutageAlert = """ALERTS{alertname="MailServerUnreachable", alertstate="firing"}""";

    private readonly Cleanup _cleanup = new();
    private OrderSystem _system = null!;
    private PrometheusUnderTest _prometheus = null!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        if (TestBrokers.IsGiven)
        {
            Needs.Skip("The broker of ORDERS_TEST_RABBITMQ does not say where its plug-in for Prometheus is.");
        }

        var broker = (ContainerBroker)await TestBrokers.StartAsync(BrokerKind.Container);
        var transport = new TransportUnderTest(BrokerKind.Container, default);
        _system = _cleanup.Add(await OrderSystem.StartWithoutProgramsAsync(transport, broker));
        var port = Ports.Free(1)[0];
        // As the programs' own exporter sees them.
        _cleanup.Add(Sdk.CreateMeterProviderBuilder()
            .AddMeter([.. TelemetryRegistration.MetersOf("Orders.Api"), .. TelemetryRegistration.MetersOf("Notifications.Worker")])
            .AddPrometheusHttpListener(listener => (listener.Host, listener.Port) = ("127.0.0.1", port))
            .Build());
        await _system.StartWorkerAsync();
        await _system.StartApiAsync();
        _prometheus = _cleanup.Add(await PrometheusUnderTest.StartAsync(port, broker.MetricsPort));
        await MakeEverythingHappenAsync();
    }

    [OneTimeTearDown]
    public Task EndAsync() => _cleanup.RunAsync();

    /// <summary>Every query of the dashboard, by the title of its panel.</summary>
    private static IEnumerable<TestCaseData> Queries()
    {
        using var dashboard = JsonDocument.Parse(File.ReadAllText(Path.Combine(Repository.Root, "deploy", "grafana", "dashboards", "orders.json")));
        return
        [
            .. from panel in dashboard.RootElement.GetProperty("panels").EnumerateArray()
               where panel.TryGetProperty("targets", out _)
               from target in panel.GetProperty("targets").EnumerateArray()
               let title = $"{panel.GetProperty("title").GetString()}, {target.GetProperty("refId").GetString()}"
               select new TestCaseData(target.GetProperty("expr").GetString()!.Replace("$__rate_interval", RateInterval, StringComparison.Ordinal)).SetArgDisplayNames(title),
        ];
    }

    [TestCaseSource(nameof(Queries))]
    public async Task Each_query_of_the_dashboard_finds_something(string query)
    {
        // A rate takes a step that Prometheus has seen.
        await _system.PlaceAsync($"order-{Guid.NewGuid():N}");

        await _prometheus.WaitForAsync(query);
    }

    [Test]
    public async Task Every_rule_is_evaluated()
    {
        var rules = (await _prometheus.GetAsync("/api/v1/rules")).GetProperty("groups").EnumerateArray().SelectMany(group => group.GetProperty("rules").EnumerateArray());

        Assert.That(rules.Select(rule => rule.GetProperty("health").GetString()), Is.Not.Empty.And.All.EqualTo("ok"));
    }

    [Test]
    public async Task The_alert_of_an_outage_of_the_mail_server_ends_with_it()
    {
        Assert.That(await _prometheus.QueryAsync($"count_over_time({OutageAlert}[1h])"), Is.Not.Empty);
        await _prometheus.WaitForNoneAsync(OutageAlert);
    }

    [Test]
    public async Task No_series_tells_of_a_customer_or_an_order()
    {
        var series = (await _prometheus.GetAsync("""/api/v1/series?match[]={job=~".%2B"}""")).GetRawText();

        Assert.That(series, Does.Contain("orders_accepted_total").And.Not.Contains("example.com").And.Not.Contains("order-4711"));
    }

    /// <summary>
    /// An order is confirmed, and one is refused. One fails, and is replayed by the job; a message that is no order is
    /// parked, and replayed by a person. The mail server is away until an alert says so.
    /// </summary>
    private async Task MakeEverythingHappenAsync()
    {
        await _system.PlaceAsync("order-4711");
        using var invalid = await _system.Http.PostAsJsonAsync("/orders", new { email = "nobody" });
        _system.Mail.On(SmtpStep.Recipient, "450 4.2.1 Try again later");
        await _system.PlaceAsync("order-4712");
        await _prometheus.WaitForAsync("""faults_replayed_total{by="job"} > 0""");
        _system.Mail.AsUsual(SmtpStep.Recipient);

        await _system.SendRawAsync(Encoding.UTF8.GetBytes("no order"), "application/json");
        await _system.WaitForParked(1);
        await _system.Worker.GetRequiredService<FaultOperations>().StartAsync(
            new FaultRequest(ConfirmationFaults.Parked, FaultAction.Replay, new FaultFilter()), "olga", CancellationToken.None);
        await _prometheus.WaitForAsync("""faults_replayed_total{by="person"} > 0""");

        await _system.Mail.Stop();
        await _system.PlaceAsync("order-4713");
        await _prometheus.WaitForAsync(OutageAlert);
        _system.Mail.Restart();
    }
}
