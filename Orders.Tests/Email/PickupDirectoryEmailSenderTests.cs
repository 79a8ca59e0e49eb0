using System.Text;
using Microsoft.Extensions.Logging;
using Orders.Email;

namespace Orders.Tests.Email;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class PickupDirectoryEmailSenderTests
{
    private string _directory = null!;
    private EmailHost? _host;

    [SetUp]
    public void MakeDirectory() => _directory = Directory.CreateTempSubdirectory("orders-mail-").FullName;

    [TearDown]
    public void DeleteDirectory()
    {
        _host?.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Test]
    public async Task An_email_becomes_a_file_and_the_log_says_where()
    {
        await Host().SendAsync("order-confirmation-1", subject: "Grüße", text: ".\nHallo", html: "<p>שלום</p>");

        var path = Files().Single();
        var mail = Read(path);
        Assert.Multiple(() =>
        {
            Assert.That(Path.GetFileName(path), Does.Match(@"^\d{8}T\d{6}\.\d{3}Z-order-confirmation-1@shop\.example\.eml$"));
            Assert.That(mail.MessageId, Is.EqualTo("<order-confirmation-1@shop.example>"));
            Assert.That(mail.Header("From"), Does.Contain("orders@localhost"));
            Assert.That(mail.Header("To"), Is.EqualTo("customer@example.com"));
            Assert.That(mail.Header("Date"), Is.Not.Empty);
            Assert.That(mail.Header("Auto-Submitted"), Is.EqualTo("auto-generated"));
            Assert.That(mail.Subject, Is.EqualTo("Grüße"));
            Assert.That(mail.Text.TrimEnd(), Is.EqualTo(".\r\nHallo"));
            Assert.That(mail.Html.TrimEnd(), Is.EqualTo("<p>שלום</p>"));
            Assert.That(Host().Logs.At(LogLevel.Information), Has.One.Contains(path));
            Assert.That(Host().Logs.All.Select(entry => entry.Message), Has.None.Contains("customer@"));
        });
    }

    [Test]
    public async Task The_directory_is_made_when_it_is_missing()
    {
        using var host = EmailHost.With(("Email__PickupDirectory", Path.Combine(_directory, "a", "b")));
        await host.SendAsync();

        Assert.That(Directory.GetFiles(Path.Combine(_directory, "a", "b"), "*.eml"), Has.Length.EqualTo(1));
    }

    [Test]
    public async Task The_same_email_twice_makes_two_files()
    {
        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Host().SendAsync("same")));

        Assert.That(Files(), Has.Length.EqualTo(20));
        Assert.That(Files().Select(path => Read(path).MessageId), Has.All.EqualTo("<same@shop.example>"));
        Assert.That(Directory.GetFileSystemEntries(_directory), Has.Length.EqualTo(20), "nothing else is left behind");
    }

    [TestCase("../../escape")]
    [TestCase("/etc/passwd")]
    [TestCase("a\\b:c*?\0\r\n")]
    [TestCase("💻")]
    public async Task No_message_id_leads_out_of_the_directory(string id)
    {
        await Host().SendAsync(id);

        Assert.That(Files().Single(), Does.Match(@"Z-[A-Za-z0-9._@-]+\.eml$"));
        Assert.That(Path.GetDirectoryName(Files().Single()), Is.EqualTo(_directory));
    }

    [Test]
    public async Task A_long_message_id_still_makes_a_file()
    {
        await Host().SendAsync(new string('x', 5000));

        Assert.That(Files(), Has.Length.EqualTo(1));
    }

    [Test]
    public async Task Whoever_looks_sees_whole_files_only()
    {
        var text = new string('x', 200_000);
        var writing = Task.Run(async () =>
        {
            for (var i = 0; i < 30; i++)
            {
                await Host().SendAsync($"{i}", text: text, html: text);
            }
        });

        var seen = 0;
        while (!writing.IsCompleted || seen < 30)
        {
            var files = Files();
            Assert.That(files.Skip(seen).Select(path => File.ReadAllText(path).TrimEnd()), Has.All.EndsWith("--"), "the last boundary");
            seen = files.Length;
            if (writing.IsCompleted)
            {
                await writing;
            }
        }
    }

    [Test]
    public async Task A_directory_that_cannot_be_written_is_transient()
    {
        var file = Path.Combine(_directory, "a-file");
        await File.WriteAllTextAsync(file, "");
        using var host = EmailHost.With(("Email__PickupDirectory", file));

        var failure = await Assert.ThrowsAsync<TransientEmailException>(() => host.SendAsync());
        Assert.That(failure!.Message, Does.Contain("pickup directory"));
    }

    [Test]
    public async Task An_address_that_no_server_would_take_is_refused_for_good()
    {
        await Assert.ThrowsAsync<PermanentEmailException>(() => Host().SendAsync(to: "nobody"));
        Assert.That(Files(), Is.Empty);
    }

    private EmailHost Host() => _host ??= EmailHost.With(("Email__PickupDirectory", _directory));

    private string[] Files() => [.. Directory.GetFiles(_directory, "*.eml").Order(StringComparer.Ordinal)];

    private static ReceivedMail Read(string path) => ReceivedMail.Parse(File.ReadAllText(path, Encoding.Latin1));
}
