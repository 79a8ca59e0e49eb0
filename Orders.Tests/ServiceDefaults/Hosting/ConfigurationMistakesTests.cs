using System.Net;
using System.Net.Sockets;

namespace Orders.Tests.ServiceDefaults.Hosting;

/// <summary>What a person sees who has configured a program wrongly: one line for each mistake, and nothing else.</summary>
public sealed class ConfigurationMistakesTests
{
    private static readonly (string, string)[] Broker =
    [
        ("Messaging__Transport", "RabbitMq"),
        ("RabbitMq__Host", "127.0.0.1"),
        ("RabbitMq__Username", "orders"),
        ("RabbitMq__Password", "orders"),
    ];

    [TestCase("Messaging__Transport", "Rabbit", "Messaging__Transport must be InMemory or RabbitMq, but is 'Rabbit'.")]
    [TestCase("Messaging__Transport", "1", "Messaging__Transport must be InMemory or RabbitMq, but is '1'.")]
    [TestCase("Messaging__Transprot", "RabbitMq", "Messaging__Transprot is not a setting. There are Messaging__Transport.")]
    [TestCase("Messaging", "RabbitMq", "Messaging is not a setting by itself. There are Messaging__Transport.")]
    [TestCase("Worker__Role", "Confirmation", "Worker__Role must be All, Confirmations, Faults or Console, but is 'Confirmation'.")]
    [TestCase("Worker__Role", "Faults", "Worker__Role must be All when Messaging__Transport is InMemory: no other process can do the rest of the work.")]
    [TestCase("RateLimit__PermitsPerSecond", "-1", "RateLimit__PermitsPerSecond must be between 0 and 1000000.")]
    [TestCase("RateLimit__Burst", "0", "RateLimit__Burst must be between 1 and 1000000.")]
    [TestCase("RateLimit__FailedSignInsPerMinute", "few", "RateLimit__FailedSignInsPerMinute must be a whole number, but is 'few'.")]
    [TestCase("RateLimit__Bursts", "1", "RateLimit__Bursts is not a setting. There are RateLimit__PermitsPerSecond, RateLimit__Burst, RateLimit__FailedSignInsPerMinute.")]
    [TestCase("Http__MaxConnections", "0", "Http__MaxConnections must be between 1 and 1000000.")]
    [TestCase("Http__HeadersTimeout", "00:00:00", "Http__HeadersTimeout must be between 00:00:00.100 and 00:10:00.")]
    [TestCase("ForwardedHeaders__KnownProxies__0", "proxy", "ForwardedHeaders__KnownProxies__0 must be an IP address, but is 'proxy'.")]
    [TestCase("ForwardedHeaders__KnownNetworks__0", "10.0.0.0/40", "ForwardedHeaders__KnownNetworks__0 must be a network like 10.1.0.0/16, but is '10.0.0.0/40'.")]
    [TestCase("Documentation__SwaggerUI", "yes", "Documentation__SwaggerUI must be true or false, but is 'yes'.")]
    public Task The_API_names_the_setting_that_it_cannot_be_composed_with(string name, string value, string line) =>
        ExpectAsync(RealProgram.Api, [(name, value)], line);

    [TestCase("RabbitMq__QueueType", "Mirrored", "RabbitMq__QueueType must be Quorum or Classic, but is 'Mirrored'.")]
    [TestCase("RabbitMq__Host", "rabbitmq-1,,rabbitmq-3", "RabbitMq__Host must be a host or several separated by commas, each with or without a port, like rabbitmq-1,rabbitmq-2:5673, but one is ''.")]
    [TestCase("RabbitMq__Host", "rabbitmq-1,rabbitmq-2:amqp", "RabbitMq__Host must be a host or several separated by commas, each with or without a port, like rabbitmq-1,rabbitmq-2:5673, but one is 'rabbitmq-2:amqp'.")]
    [TestCase("RabbitMq__Host", "rabbitmq:70000", "RabbitMq__Host must be a host or several separated by commas, each with or without a port, like rabbitmq-1,rabbitmq-2:5673, but one is 'rabbitmq:70000'.")]
    [TestCase("RabbitMq__Host", "amqp://rabbitmq", "RabbitMq__Host must be a host or several separated by commas, each with or without a port, like rabbitmq-1,rabbitmq-2:5673, but one is 'amqp://rabbitmq'.")]
    [TestCase("RabbitMq__Port", "70000", "RabbitMq__Port must be between 1 and 65535.")]
    [TestCase("RabbitMq__Port", "amqp", "RabbitMq__Port must be a whole number, but is 'amqp'.")]
    [TestCase("RabbitMq__PasswordFile", "/run/secrets/rabbitmq", "RabbitMq__Password and RabbitMq__PasswordFile must not both be set.")]
    [TestCase("RabbitMq__Tls__Enabled", "yes", "RabbitMq__Tls__Enabled must be true or false, but is 'yes'.")]
    [TestCase("RabbitMq__Tls__ServerName", "rabbitmq", "RabbitMq__Tls__ServerName needs RabbitMq__Tls__Enabled to be true.")]
    [TestCase("RabbitMq__Tls__CertificateAuthorityFile", "/nowhere/ca.pem", "RabbitMq__Tls__CertificateAuthorityFile needs RabbitMq__Tls__Enabled to be true.")]
    [TestCase("RabbitMq__Tls__AcceptAny", "true", "RabbitMq__Tls__AcceptAny is not a setting. There are RabbitMq__Tls__Enabled, RabbitMq__Tls__CertificateAuthorityFile, RabbitMq__Tls__ServerName, RabbitMq__Tls__CertificateFile, RabbitMq__Tls__KeyFile.")]
    [TestCase("Replay__Perod", "00:00:10", "Replay__Perod is not a setting. There are Replay__Period, Replay__MaxAttempts, Replay__Backoff.")]
    [TestCase("Replay__Period", "10 seconds", "Replay__Period must be a time like 00:00:30, but is '10 seconds'.")]
    [TestCase("Replay__Period", "00:00:00", "Replay__Period must be between 00:00:00.010 and 01:00:00.")]
    [TestCase("Replay__MaxAttempts", "-1", "Replay__MaxAttempts must be between 0 and 1000.")]
    [TestCase("Replay__Backoff", "00:00:10", "Replay__Backoff is not a setting by itself. There are Replay__Backoff__0, Replay__Backoff__1 and so on.")]
    [TestCase("Replay__Backoff__0", "soon", "Replay__Backoff__0 must be a time like 00:00:30, but is 'soon'.")]
    [TestCase("Replay__Waits__0", "00:00:10", "Replay__Waits is not a setting. There are Replay__Period, Replay__MaxAttempts, Replay__Backoff.")]
    [TestCase("DelayedRedelivery__Intervals__0", "-00:00:05", "DelayedRedelivery__Intervals__0 must be between 00:00:00.001 and 1.00:00:00.")]
    [TestCase("Ledger__Store", "Redis", "Ledger__Store must be None, InMemory or Valkey, but is 'Redis'.")]
    [TestCase("Ledger__Store", "Valkey", "Ledger__Valkey__Endpoint is required when Ledger__Store is Valkey.")]
    [TestCase("Ledger__KeepFor", "00:30:00", "Ledger__KeepFor must be between 01:00:00 and 365.00:00:00.")]
    [TestCase("Ledger__UnknownOutcome", "Guess", "Ledger__UnknownOutcome must be SendAgain or Park, but is 'Guess'.")]
    [TestCase("Ledger__WhenUnreachable", "Panic", "Ledger__WhenUnreachable must be Wait or Ignore, but is 'Panic'.")]
    [TestCase("OrderConfirmation__Concurrency", "0", "OrderConfirmation__Concurrency must be between 1 and 1000.")]
    [TestCase("OrderConfirmation__Prefetch", "1e3", "OrderConfirmation__Prefetch must be a whole number, but is '1e3'.")]
    [TestCase("Alerts__To", "nobody", "Alerts__To must be one email address without a display name.")]
    [TestCase("Alerts__To", "Operations <operations@shop.example>", "Alerts__To must be one email address without a display name.")]
    [TestCase("Alerts__Webhook__Url", "hooks.example/T0/B0", "Alerts__Webhook__Url must be an address that begins with https:// or http://.")]
    [TestCase("Alerts__Webhook__Format", "Discord", "Alerts__Webhook__Format must be Slack or Teams, but is 'Discord'.")]
    [TestCase("Alerts__Webhook__Secret", "whsec_!", "Alerts__Webhook__Secret must be base64 after whsec_.")]
    [TestCase("Worker__Role", "Console", "Faults__Queues__0__Name is required: the queue of an endpoint whose faults are to be looked after.")]
    [TestCase("Faults__Queues__0__Subject__0", "$.id", "Faults__Queues__0__Name is required.")]
    [TestCase("Faults__Queues__0__Name", "billing_error", "Faults__Queues__0__Name must be the queue of the endpoint, 'billing', without '_error'.")]
    [TestCase("Faults__Queues__0__Name", "billing queue", "Faults__Queues__0__Name must have 1 to 200 characters, none of them '/', a blank or a control character.")]
    [TestCase("Faults__Queues__0__Name", "audit", "Faults__Queues__0__Name must not be 'audit': addresses of the fault queues use the word.")]
    [TestCase("Faults__Queues__0__Name", "order-shipped", "Two endpoints use the queue order-shipped. Give each a name of its own.")]
    [TestCase("Faults__Queues__0__Queue", "billing", "Faults__Queues__0__Queue is not a setting. There are Faults__Queues__0__Name, Faults__Queues__0__Subject, Faults__Queues__0__SubjectName, Faults__Queues__0__Replay.")]
    public Task The_worker_names_the_setting_that_it_cannot_work_with(string name, string value, string line) =>
        ExpectAsync(RealProgram.Worker, [.. Broker, (name, value)], line);

    [TestCase("CertificateAuthorityFile", "/nowhere/ca.pem", "RabbitMq__Tls__CertificateAuthorityFile cannot be read: Could not find a part of the path '/nowhere/ca.pem'.")]
    [TestCase("CertificateAuthorityFile", "/dev/null", "RabbitMq__Tls__CertificateAuthorityFile cannot be read: There is no certificate in /dev/null.")]
    [TestCase("CertificateFile", "/nowhere/program.pem", "RabbitMq__Tls__CertificateFile and RabbitMq__Tls__KeyFile must be set together or not at all.")]
    [TestCase("KeyFile", "/nowhere/program.key", "RabbitMq__Tls__CertificateFile and RabbitMq__Tls__KeyFile must be set together or not at all.")]
    public Task The_worker_names_the_mistake_in_its_certificates(string name, string value, string line) =>
        ExpectAsync(RealProgram.Worker, [.. Broker, ("RabbitMq__Tls__Enabled", "true"), ($"RabbitMq__Tls__{name}", value)], line);

    [Test]
    public Task A_console_names_the_setting_by_which_it_would_email() => ExpectAsync(
        RealProgram.Worker,
        [.. Broker, ("Worker__Role", "Console"), ("Faults__Queues__0__Name", "billing"), ("Alerts__To", "operations@shop.example")],
        "Alerts__To must be empty when Worker__Role is Console, which sends no email. Set Alerts__Webhook__Url instead.");

    [Test]
    public Task The_worker_names_what_is_no_path_to_a_subject() => ExpectAsync(
        RealProgram.Worker,
        [.. Broker, ("Faults__Queues__0__Name", "billing"), ("Faults__Queues__0__Subject__0", "$.lines[*].id")],
        "Faults__Queues__0__Subject__0 must be a path to one value, such as $.invoice.number, but is '$.lines[*].id'.");

    [Test]
    public async Task A_certificate_with_the_key_of_another_is_a_mistake()
    {
        using var authority = new TestAuthority();

        await ExpectAsync(
            RealProgram.Worker,
            [
                .. Broker,
                ("RabbitMq__Tls__Enabled", "true"),
                ("RabbitMq__Tls__CertificateFile", authority.Issue("one").File),
                ("RabbitMq__Tls__KeyFile", authority.Issue("other").KeyFile),
            ],
            "RabbitMq__Tls__CertificateFile and RabbitMq__Tls__KeyFile cannot be read: The key is not that of the certificate.");
    }

    [TestCase("/nowhere/password", "cannot be read: Could not find a part of the path '/nowhere/password'.")]
    [TestCase("/dev/null", "must not be an empty file.")]
    public Task Every_file_that_holds_no_secret_is_named_at_once(string file, string mistake) =>
        ExpectAsync(
            RealProgram.Worker,
            [
                .. Broker,
                ("RabbitMq__Password", ""),
                ("RabbitMq__PasswordFile", file),
                ("Email__Delivery", "Smtp"),
                ("Email__From", "orders@shop.example"),
                ("Email__Smtp__Host", "127.0.0.1"),
                ("Email__Smtp__Username", "shop"),
                ("Email__Smtp__PasswordFile", file),
                ("Faults__Users__0__Name", "ann"),
                ("Faults__Users__0__PasswordFile", file),
            ],
            $"RabbitMq__PasswordFile {mistake}",
            $"Email__Smtp__PasswordFile {mistake}",
            $"Faults__Users__0__PasswordFile {mistake}");

    [TestCase("Faults__Rate", "fast", "Faults__Rate must be a number, but is 'fast'.")]
    [TestCase("Faults__Rate", "0", "Faults__Rate must be between 0.1 and 10000.")]
    [TestCase("Faults__AllowEditing", "yes", "Faults__AllowEditing must be true or false, but is 'yes'.")]
    [TestCase("Faults__Users", "ann", "Faults__Users is not a setting by itself. There are Faults__Users__0, Faults__Users__1 and so on.")]
    [TestCase("Faults__Users__ann__Name", "ann", "Faults__Users__ann is not a setting. There are Faults__Users__0, Faults__Users__1 and so on.")]
    [TestCase("Faults__Users__0__Rolle", "Reader", "Faults__Users__0__Rolle is not a setting. There are Faults__Users__0__Name, Faults__Users__0__Role, Faults__Users__0__Password, Faults__Users__0__PasswordFile.")]
    [TestCase("Faults__Users__0__Role", "Admin", "Faults__Users__0__Role must be Reader or Operator, but is 'Admin'.")]
    [TestCase("Faults__Users__0__Role", "1", "Faults__Users__0__Role must be Reader or Operator, but is '1'.")]
    [TestCase("Faults__Users__0__Name", "", "Faults__Users__0__Name is required.")]
    [TestCase("Faults__Users__0__Name", "ann:ops", "Faults__Users__0__Name must not contain ':' or control characters.")]
    [TestCase("Faults__Users__0__Name", "ann\tops", "Faults__Users__0__Name must not contain ':' or control characters.")]
    [TestCase("Faults__Users__0__Name", "redeliver job", "Faults__Users__0__Name must not be 'redeliver job': in the audit trail that is a program.")]
    [TestCase("Faults__Users__0__Name", "worker", "Faults__Users__0__Name must not be 'worker': in the audit trail that is a program.")]
    [TestCase("Faults__Users__1__Name", "ann", "Faults__Users__1__Name must not be 'ann', as that is the name of another user.")]
    [TestCase("Faults__Users__0__Password", "", "Faults__Users__0 needs either Faults__Users__0__Password or Faults__Users__0__PasswordFile.")]
    [TestCase("Faults__Users__0__PasswordFile", "/run/secrets/ann", "Faults__Users__0__Password and Faults__Users__0__PasswordFile must not both be set.")]
    [TestCase("Faults__Users__1__PasswordFile", "/nowhere/bob", "Faults__Users__1__PasswordFile cannot be read: Could not find a part of the path '/nowhere/bob'.")]
    [TestCase("Faults__Users__1__PasswordFile", "/dev/null", "Faults__Users__1__PasswordFile must not be an empty file.")]
    public Task The_worker_names_the_mistake_in_who_may_see_its_faults(string name, string value, string line)
    {
        var settings = Broker.ToDictionary(setting => setting.Item1, setting => setting.Item2);
        settings["Faults__Users__0__Name"] = "ann";
        settings["Faults__Users__0__Password"] = "secret";
        if (name.StartsWith("Faults__Users__1__", StringComparison.Ordinal))
        {
            settings["Faults__Users__1__Name"] = "bob";
            settings[name.EndsWith("File", StringComparison.Ordinal) ? name : "Faults__Users__1__Password"] = "secret";
        }

        settings[name] = value;
        return ExpectAsync(RealProgram.Worker, [.. settings.Select(setting => (setting.Key, setting.Value))], line);
    }

    [Test]
    public Task Everything_that_RabbitMQ_needs_is_named_at_once() =>
        ExpectAsync(
            RealProgram.Api,
            [("Messaging__Transport", "RabbitMq")],
            "RabbitMq__Host is required when Messaging__Transport is RabbitMq.",
            "RabbitMq__Username is required when Messaging__Transport is RabbitMq.",
            "RabbitMq__Password or RabbitMq__PasswordFile is required when Messaging__Transport is RabbitMq.");

    [Test]
    public Task Everything_that_SMTP_needs_is_named_at_once() =>
        ExpectAsync(
            RealProgram.Worker,
            [.. Broker, ("Email__Delivery", "Smtp")],
            "Email__From is required when Email__Delivery is Smtp.",
            "Email__Smtp__Host is required when Email__Delivery is Smtp.");

    [TestCase("valkey")]
    [TestCase("valkey:0")]
    [TestCase("redis://valkey:6379")]
    [TestCase("valkey-1:6379,valkey-2:6379")]
    public Task An_endpoint_of_the_ledger_that_is_none_is_named(string endpoint) =>
        ExpectAsync(
            RealProgram.Worker,
            [.. Broker, ("Ledger__Store", "Valkey"), ("Ledger__Valkey__Endpoint", endpoint)],
            $"Ledger__Valkey__Endpoint must be a host and a port, like valkey:6379, but is '{endpoint}'.");

    [Test]
    public Task Mistakes_in_several_sections_are_named_at_once() =>
        ExpectAsync(
            RealProgram.Api,
            [("Email__Delivery", "Pigeon"), ("Replay__Period", "never"), ("Replay__MaxAttempts", "many")],
            "Email__Delivery must be PickupDirectory or Smtp, but is 'Pigeon'.",
            "Replay__Period must be a time like 00:00:30, but is 'never'.",
            "Replay__MaxAttempts must be a whole number, but is 'many'.");

    [Test]
    public Task A_worker_by_itself_needs_a_broker() =>
        ExpectAsync(
            RealProgram.Worker,
            [],
            "Messaging__Transport must be RabbitMq for a worker by itself. In memory, Orders.Api hosts the worker: start that alone.");

    [Test]
    public async Task A_port_in_use_is_named()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var address = $"http://{other.LocalEndpoint}";

        await ExpectAsync(RealProgram.Api, [("ASPNETCORE_URLS", address)], $"Failed to bind to address {address}: address already in use.");
    }

    [Test]
    public Task An_address_that_is_none_is_named() =>
        ExpectAsync(RealProgram.Api, [("ASPNETCORE_URLS", "three thousand")], "Invalid url: 'three thousand'");

    private static async Task ExpectAsync(RealProgram program, (string, string)[] settings, params string[] lines)
    {
        var ended = await program.RunAsync(settings);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(ended.Errors, Is.EquivalentTo(lines), ended.Output);
            Assert.That(ended.ExitCode, Is.EqualTo(1));
            Assert.That(ended.Output, Does.Not.Contain("   at "));
        }
    }
}
