using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Orders.Email;
using Orders.Email.Check;
using Orders.Email.Smtp;
using Orders.ServiceDefaults.CommandLine;

namespace Orders.Tests.Email.Check;

/// <summary>What a run of <c>check-mail</c> came to.</summary>
/// <param name="ExitCode">Its exit code.</param>
/// <param name="Output">All that it wrote to standard output.</param>
/// <param name="Errors">All that it wrote to standard error.</param>
internal sealed record CheckedMail(int ExitCode, string Output, string Errors)
{
    private IEnumerable<string> Lines => Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Runs the command.</summary>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="settings">Settings by the names of their environment variables.</param>
    /// <param name="dns">What DNS says; all that is needed where nothing is given.</param>
    /// <param name="addresses">The addresses of the mail server's name, where they are not those that the machine knows.</param>
    public static async Task<CheckedMail> RunAsync(
        string[] arguments, (string Key, string? Value)[] settings, IDnsLookup? dns = null, string[]? addresses = null)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var errors = new StringWriter { NewLine = "\n" };
        var exitCode = await CheckMailCommand.RunAsync(
            arguments,
            new Terminal(TextReader.Null, output, errors, CanAsk: false, CanRewrite: false, _ => null),
            builder =>
            {
                foreach (var (key, value) in settings)
                {
                    builder.Configuration[key.Replace("__", ":", StringComparison.Ordinal)] = value;
                }

                builder.Services.AddSingleton(dns ?? FakeDns.Good);
                if (addresses is not null)
                {
                    builder.Services.AddSingleton(services => new SmtpConnector(services.GetRequiredService<IOptions<EmailOptions>>(), services.GetRequiredService<SmtpLogin>(), TimeProvider.System)
                    {
                        Resolve = (_, _) => Task.FromResult(addresses.Select(IPAddress.Parse).ToArray()),
                    });
                }
            },
            CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(60));
        return new CheckedMail(exitCode, output.ToString(), errors.ToString());
    }

    /// <summary>Runs the command with a mail server.</summary>
    public static Task<CheckedMail> RunAsync(
        FakeSmtpServer server, (string Key, string? Value)[] settings, string? to = null, IDnsLookup? dns = null, string[]? addresses = null) => RunAsync(
        to is null ? [] : ["--to", to],
        [
            ("Email__Delivery", "Smtp"),
            ("Email__From", "Acorn Shop <orders@shop.example>"),
            ("Email__Smtp__Host", FakeSmtpServer.Host),
            ("Email__Smtp__Port", $"{server.Port}"),
            ("Email__Smtp__EhloName", "worker.shop.example"),
            .. settings,
        ],
        dns,
        addresses);

    /// <summary>Sees that a step has this line among its own: the verdict and all that is said.</summary>
    public void Expect(string verdict, string step, string text) => Assert.That(Texts(verdict, step), Has.Some.EqualTo(text), Output);

    /// <summary>Sees that a step has a line among its own which matches a pattern.</summary>
    public void ExpectMatch(string verdict, string step, string pattern) => Assert.That(Texts(verdict, step), Has.Some.Match(pattern), Output);

    /// <summary>Sees that a step has no line.</summary>
    public void ExpectNone(string step) => Assert.That(Lines.Where(line => line.Length > 9 && line[9..].StartsWith($"{step} ", StringComparison.Ordinal)), Is.Empty);

    /// <summary>Sees how it ended: by the exit code and the last line.</summary>
    public void ExpectEnd(int exitCode, string lastLine)
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Lines.Last(), Is.EqualTo(lastLine), Output);
            Assert.That(ExitCode, Is.EqualTo(exitCode), Errors);
        }
    }

    private IEnumerable<string> Texts(string verdict, string step)
    {
        var beginning = $"{verdict,-8} {step,-13} ";
        return Lines.Where(line => line.StartsWith(beginning, StringComparison.Ordinal)).Select(line => line[beginning.Length..]);
    }
}
