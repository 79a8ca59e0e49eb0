using System.Net.Http.Json;
using System.Text.Json;
using Orders.Tests.Machine;

namespace Orders.Tests.Monitoring;

/// <summary>The profile <c>monitoring</c> of the deployment: a real Prometheus, told by real programs of real orders.</summary>
[Category("Compose")]
[NonParallelizable]
internal sealed class MonitoringTests
{
    /// <summary>What Grafana puts in the place of its variable at the least.</summary>
    private const string RateInterval = "1m";

    private static readonly TimeSpan ArrivalTime = TimeSpan.FromMinutes(3);

    private Deployment.Deployment? _deployment;

    private Deployment.Deployment Deployment => _deployment!;

    [OneTimeSetUp]
    public async Task StartTheDeployment()
    {
        await ContainerEngine.RequireImageAsync(PrometheusRulesTests.Image);
        _deployment = await Tests.Deployment.Deployment.StartAsync(
            ["compose.yaml"],
            new Dictionary<string, string> { ["OTEL_METRIC_EXPORT_INTERVAL"] = "2000" },
            "orders-api", "notifications-worker", "redeliver", "mailpit", "prometheus");

        await MakeEverythingHappenAsync();
    }

    [OneTimeTearDown]
    public async Task EndTheDeployment()
    {
        if (_deployment is not null)
        {
            if (TestContext.CurrentContext.Result.FailCount > 0)
            {
                await _deployment.TellAsync();
            }

            await _deployment.DisposeAsync();
        }
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
    public Task Each_query_of_the_dashboard_finds_something(string query) => WaitForAsync(query);

    [Test]
    public async Task Every_rule_is_evaluated()
    {
        var rules = await Eventually.GetAsync(
            "all rules evaluated",
            async cancellationToken =>
            {
                var answer = await Deployment.Prometheus.GetFromJsonAsync<JsonElement>("/api/v1/rules", cancellationToken);
                return answer.GetProperty("data").GetProperty("groups").EnumerateArray()
                    .SelectMany(group => group.GetProperty("rules").EnumerateArray())
                    .Select(rule => (Name: rule.GetProperty("name").GetString(), Health: rule.GetProperty("health").GetString()))
                    .ToArray();
            },
            rules => rules.Length > 0 && Array.TrueForAll(rules, rule => rule.Health != "unknown"),
            ArrivalTime);

        Assert.That(rules.Select(rule => rule.Health), Is.All.EqualTo("ok"));
    }

    [Test]
    public async Task The_alert_of_an_outage_of_the_mail_server_ends_with_it()
    {
        Assert.That(await QueryAsync("""count_over_time(ALERTS{alertname="MailServerUnreachable", alertstate="firing"}[1h])"""), Is.Not.Empty);
        await Eventually.GetAsync(
            "the alert is over", _ => QueryAsync("""ALERTS{alertname="MailServerUnreachable"}"""), values => values.Length == 0, ArrivalTime);
    }

    [Test]
    public async Task No_series_tells_of_a_customer()
    {
        var answer = await Deployment.Prometheus.GetStringAsync("/api/v1/series?match[]={__name__=~\".%2B\"}");

        Assert.That(answer, Does.Contain("orders_accepted_total").And.Not.Contains("customer.example"));
    }

    /// <summary>An order is confirmed, one is refused, one waits for the mail server; a message is parked, replayed by a person and parked again.</summary>
    private async Task MakeEverythingHappenAsync()
    {
        await Deployment.WaitForEmailAsync(await Deployment.PlaceOrderAsync());
        using var refused = await Deployment.Api.PostAsJsonAsync("/orders", new { email = "nobody" });

        await Deployment.PublishAsync("order-confirmation", "not JSON");
        await WaitForAsync("""orders:queue_messages:max{messaging_destination_name="order-confirmation_parked"} > 0""");
        using var replay = await Deployment.Faults.PostAsJsonAsync("/faults/api/parked/replay", new { filter = new { }, reason = "Once more" });
        Assert.That(replay.IsSuccessStatusCode, await replay.Content.ReadAsStringAsync());

        await RaiseAnOutageAsync();
    }

    /// <summary>Takes the mail server away until Prometheus knows, and places an order meanwhile.</summary>
    private async Task RaiseAnOutageAsync()
    {
        await Deployment.ComposeAsync("stop", "mailpit");
        try
        {
            await Deployment.PlaceOrderAsync();
            await WaitForAsync("""ALERTS{alertname="MailServerUnreachable", alertstate="firing"}""");
        }
        finally
        {
            await Deployment.ComposeAsync("start", "mailpit");
        }
    }

    private Task<string[]> WaitForAsync(string query) => Eventually.GetAsync(query, _ => QueryAsync(query), values => values.Length > 0, ArrivalTime);

    /// <summary>The values of an instant query, without those that are no number.</summary>
    private async Task<string[]> QueryAsync(string query)
    {
        var answer = await Deployment.Prometheus.GetFromJsonAsync<JsonElement>($"/api/v1/query?query={Uri.EscapeDataString(query)}");
        return
        [
            .. answer.GetProperty("data").GetProperty("result").EnumerateArray()
                .Select(result => result.GetProperty("value")[1].GetString()!)
                .Where(value => value != "NaN"),
        ];
    }
}
