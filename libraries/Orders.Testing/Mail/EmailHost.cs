using Orders.Email;
using Orders.Testing.Machine;
using Orders.Testing.Mail.Servers;

namespace Orders.Testing.Mail;

/// <summary>The email part of the worker on its own, as <c>AddEmail</c> builds it from configuration.</summary>
internal sealed class EmailHost : IDisposable
{
    private readonly IHost _host;

    private EmailHost(IEnumerable<(string Key, string? Value)> settings, TimeProvider? time = null)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        foreach (var (key, value) in settings)
        {
            builder.Configuration[key.Replace("__", ":", StringComparison.Ordinal)] = value;
        }

        builder.Logging.SetMinimumLevel(LogLevel.Trace).AddProvider(Logs);
        builder.Services.AddSingleton(time ?? TimeProvider.System);
        builder.AddEmail();
        _host = builder.Build();
    }

    public LogEvents Logs { get; } = new();

    public IEmailSender Sender => _host.Services.GetRequiredService<IEmailSender>();

    /// <param name="settings">Settings by the names of their environment variables.</param>
    public static EmailHost With(params (string Key, string? Value)[] settings) => new(settings);

    public static EmailHost For(FakeSmtpServer server, params (string Key, string? Value)[] settings) => For(server.Port, TimeProvider.System, settings);

    /// <param name="server">Where the emails go.</param>
    /// <param name="time">By what clock.</param>
    /// <param name="settings">Further settings by the names of their environment variables.</param>
    public static EmailHost For(FakeSmtpServer server, TimeProvider time, params (string Key, string? Value)[] settings) => For(server.Port, time, settings);

    public static EmailHost For(MailServer server, params (string Key, string? Value)[] settings) => For(server.Port, TimeProvider.System, settings);

    public Task StartAsync() => _host.StartAsync();

    /// <summary>Sends an email to customer@example.com.</summary>
    public Task SendAsync(string id = "1", string to = "customer@example.com", string subject = "Your order", string text = "Hello", string html = "<p>Hello</p>", CancellationToken cancellationToken = default) =>
        Sender.SendAsync(new EmailMessage($"<{id}@shop.example>", to, subject, text, html) { Notification = "test" }, cancellationToken);

    public void Dispose() => _host.Dispose();

    private static EmailHost For(int port, TimeProvider time, (string Key, string? Value)[] settings) => new(
    [
        ("Email__Delivery", "Smtp"),
        ("Email__From", "Acorn Shop <orders@shop.example>"),
        ("Email__Smtp__Host", FakeSmtpServer.Host),
        ("Email__Smtp__Port", $"{port}"),
        .. settings,
    ],
        time);
}
