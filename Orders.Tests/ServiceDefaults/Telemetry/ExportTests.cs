using System.Net.Http.Json;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;
using Orders.Tests.EndToEnd;

namespace Orders.Tests.ServiceDefaults.Telemetry;

/// <summary>What leaves the programs by OTLP.</summary>
internal sealed class ExportTests
{
    [Test]
    public async Task The_API_exports_traces_metrics_and_logs()
    {
        await using var receiver = await OtlpReceiver.StartAsync();
        await using var mail = FakeSmtpServer.Start();
        var port = Ports.Free(1)[0];
        await using var program = await RealProgram.Api.StartAsync(
        [
            .. ExportTo(receiver.Url),
            ("ASPNETCORE_URLS", $"http://127.0.0.1:{port}"),
            ("Email__Delivery", "Smtp"),
            ("Email__From", "orders@shop.example"),
            ("Email__Smtp__Host", FakeSmtpServer.Host),
            ("Email__Smtp__Port", $"{mail.Port}"),
        ]);

        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        using var accepted = await http.PostAsJsonAsync("/orders", new { orderId = "1", email = "customer@example.com", product = "Laptop" });
        using var refused = await http.PostAsJsonAsync("/orders", new { orderId = "1" });
        var traceId = Convert.FromHexString(accepted.Headers.GetValues("traceparent").Single().Split('-')[1]);

        await mail.WaitForMessages(1);
        await receiver.WaitForAsync("traces", "orders-api", "POST /orders", "http.response.status_code", "order-confirmation receive", "smtp send", Encoding.Latin1.GetString(traceId));
        await receiver.WaitForAsync("logs", "orders-api", "The email <order-confirmation-1@shop.example> was sent", Encoding.Latin1.GetString(traceId));
        await receiver.WaitForAsync(
            "metrics",
            "orders-api", "orders.accepted", "orders.refused", "emails.sent", "order.confirmation.duration", "notification.duration", "smtp.client.connections", "mail.outage",
            "orders.queue.messages", "orders.queue.oldest_message.age",
            "http.server.request.duration", "kestrel.active_connections", "messaging.masstransit.consume", "dotnet.gc.collections");
        using (Assert.EnterMultipleScope())
        {
            foreach (var signal in new[] { "traces", "metrics", "logs" })
            {
                Assert.That(receiver.Of(signal), Does.Not.Contain("customer@example.com"), signal);
            }
        }
    }

    [Test]
    public async Task Nothing_is_exported_without_an_endpoint()
    {
        await using var without = await ApiUnderTest.StartAsync();
        await using var with = await ApiUnderTest.StartAsync(settings: ("OTEL_EXPORTER_OTLP_ENDPOINT", $"http://127.0.0.1:{Ports.Free(1)[0]}"));

        using (Assert.EnterMultipleScope())
        {
            foreach (var provider in new[] { typeof(TracerProvider), typeof(MeterProvider), typeof(LoggerProvider) })
            {
                Assert.That(without.Services.GetService(provider), Is.Null);
                Assert.That(with.Services.GetService(provider), Is.Not.Null);
            }
        }
    }

    [Test]
    public async Task An_endpoint_that_is_away_keeps_nothing_from_being_done_and_the_log_from_nothing()
    {
        await using var system = await OrderSystem.StartAsync(TransportUnderTest.InMemory, settings: [.. ExportTo($"http://127.0.0.1:{Ports.Free(1)[0]}")]);

        await system.PlaceAsync("1");

        await system.Mail.WaitForMessages(1);
        var isExported = system.Worker.GetRequiredService<TracerProvider>().ForceFlush() && system.Worker.GetRequiredService<MeterProvider>().ForceFlush();
        await system.PlaceAsync("2");
        await system.Mail.WaitForMessages(2);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(isExported, Is.False);
            Assert.That(system.Log.All.Where(entry => entry.Category.StartsWith("System.Net", StringComparison.Ordinal) || entry.Category.StartsWith("OpenTelemetry", StringComparison.Ordinal)), Is.Empty);
            Assert.That(system.Log.All.Where(entry => entry.Level >= LogLevel.Warning && !entry.Category.StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal)), Is.Empty, "ASP.NET's are about the server of the tests.");
        }
    }

    /// <summary>Settings that have a program export without delay.</summary>
    internal static (string Name, string Value)[] ExportTo(string url) =>
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", url),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "500"),
        ("OTEL_BSP_SCHEDULE_DELAY", "200"),
        ("OTEL_BLRP_SCHEDULE_DELAY", "200"),
    ];
}

/// <summary>What leaves a worker by OTLP.</summary>
[TestFixtureSource(typeof(TransportUnderTest), nameof(TransportUnderTest.OnQuorumQueues))]
internal sealed class WorkerExportTests(TransportUnderTest transport) : OrderSystemTests
{
    [Test]
    public async Task The_worker_exports_as_a_service_of_its_own()
    {
        await using var receiver = await OtlpReceiver.StartAsync();
        TheSystem = await OrderSystem.StartWithoutProgramsAsync(transport);
        await using var worker = await TheSystem.StartWorkerProcessAsync(
            [.. ExportTests.ExportTo(receiver.Url), ("Worker__Role", "Faults"), ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")]);

        await receiver.WaitForAsync(
            "metrics", "notifications-worker", "worker.role", "service.instance.id", "deployment.environment.name", "orders.queue.messages", "order-confirmation_parked");
    }
}
