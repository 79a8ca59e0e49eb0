using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Notifications.Worker.Faults.Inspection;
using Notifications.Worker.Faults.Operations;
using Notifications.Worker.Faults.Queues;
using Notifications.Worker.Telemetry;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace Orders.Tests.Monitoring;

/// <summary>The dashboard and the alerts on a real Prometheus, which watches real orders on a real RabbitMQ.</summary>
[NonParallelizable]
internal sealed class MonitoringTests
{
    /// <summary>In the place of Grafana's variable, and long enough that all that has happened is in it.</summary>
    private const string RateInterval = "5m";

    private const string OutageAlert = """ALERTS{alertname="MailServerUnreachable", alertstate="firing"}""";

    private OrderSystem? _system;
    private MeterProvider? _exporter;
    private PrometheusUnderTest? _prometheus;

    private OrderSystem TheSystem => _system!;

    private PrometheusUnderTest Prometheus => _prometheus!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        if (TestBrokers.IsGiven)
        {
            Needs.Skip("The broker of ORDERS_TEST_RABBITMQ does not say where its plug-in for Prometheus is.");
        }

        var broker = (ContainerBroker)await TestBrokers.StartAsync(BrokerKind.Container);
        var transport = new TransportUnderTest(BrokerKind.Container, default);
        _system = await OrderSystem.StartWithoutProgramsAsync(transport, broker);
        var port = Ports.Free(1)[0];
        // As the programs' own exporter sees them.
        _exporter = Sdk.CreateMeterProviderBuilder()
            .AddMeter([.. TelemetryRegistration.MetersOf("Orders.Api"), .. TelemetryRegistration.MetersOf("Notifications.Worker")])
            .AddPrometheusHttpListener(listener => (listener.Host, listener.Port) = ("127.0.0.1", port))
            .Build();
        await _system.StartWorkerAsync();
        await _system.StartApiAsync();
        _prometheus = await PrometheusUnderTest.StartAsync(port, broker.MetricsPort);
        await MakeEverythingHappenAsync();
    }

    [OneTimeTearDown]
    public async Task EndAsync()
    {
        if (_prometheus is not null)
        {
            await _prometheus.DisposeAsync();
        }

        if (_system is not null)
        {
            await _system.DisposeAsync();
        }

        _exporter?.Dispose();
    }

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
        await TheSystem.PlaceAsync($"order-{Guid.NewGuid():N}");

        await Prometheus.WaitForAsync(query);
    }

    [Test]
    public async Task Every_rule_is_evaluated()
    {
        var rules = (await Prometheus.GetAsync("/api/v1/rules")).GetProperty("groups").EnumerateArray().SelectMany(group => group.GetProperty("rules").EnumerateArray());

        Assert.That(rules.Select(rule => rule.GetProperty("health").GetString()), Is.Not.Empty.And.All.EqualTo("ok"));
    }

    [Test]
    public async Task The_alert_of_an_outage_of_the_mail_server_ends_with_it()
    {
        Assert.That(await Prometheus.QueryAsync($"count_over_time({OutageAlert}[1h])"), Is.Not.Empty);
        await Prometheus.WaitForNoneAsync(OutageAlert);
    }

    [Test]
    public async Task No_series_tells_of_a_customer_or_an_order()
    {
        var series = (await Prometheus.GetAsync("""/api/v1/series?match[]={job=~".%2B"}""")).GetRawText();

        Assert.That(series, Does.Contain("orders_accepted_total").And.Not.Contains("example.com").And.Not.Contains("order-4711"));
    }

    /// <summary>
    /// An order is confirmed, and one is refused. One fails, and is replayed by the job; a message that is no order is
    /// parked, and replayed by a person. The mail server is away until an alert says so.
    /// </summary>
    private async Task MakeEverythingHappenAsync()
    {
        await TheSystem.PlaceAsync("order-4711");
        using var invalid = await TheSystem.Http.PostAsJsonAsync("/orders", new { email = "nobody" });
        TheSystem.Mail.On(SmtpStep.Recipient, "450 4.2.1 Try again later");
        await TheSystem.PlaceAsync("order-4712");
        await Prometheus.WaitForAsync("""faults_replayed_total{by="job"} > 0""");
        TheSystem.Mail.AsUsual(SmtpStep.Recipient);

        await TheSystem.SendRawAsync(Encoding.UTF8.GetBytes("no order"), "application/json");
        await TheSystem.WaitForParked(1);
        await TheSystem.Worker.GetRequiredService<FaultOperations>().StartAsync(
            new FaultRequest(FaultQueue.Parked, FaultAction.Replay, new FaultFilter()), "olga", CancellationToken.None);
        await Prometheus.WaitForAsync("""faults_replayed_total{by="person"} > 0""");

        await TheSystem.Mail.Stop();
        await TheSystem.PlaceAsync("order-4713");
        await Prometheus.WaitForAsync(OutageAlert);
        TheSystem.Mail.Restart();
    }
}
