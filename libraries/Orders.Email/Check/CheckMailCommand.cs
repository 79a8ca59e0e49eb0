using System.CommandLine;
using System.CommandLine.Help;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Orders.ServiceDefaults.CommandLine;
using Orders.ServiceDefaults.Hosting;

namespace Orders.Email.Check;

/// <summary>
/// <c>dotnet Notifications.Worker.dll check-mail</c>: says step by step whether emails can be sent as section <c>Email</c> is set,
/// over the same connection that the worker would make.
/// </summary>
public static class CheckMailCommand
{
    /// <summary>The word of the command line that it is called by.</summary>
    public const string Word = "check-mail";

    private const int Done = 0;
    private const int Failed = 1;
    private const int Misused = 2;

    /// <summary>Runs the command line that follows <see cref="Word"/>.</summary>
    /// <returns>The exit code: 0 where emails can be sent; 1 where something keeps them from going out; 2 for a mistake in the command line.</returns>
    public static Task<int> RunAsync(string[] arguments) => RunAsync(arguments, Terminal.OfProcess(), configure: null, CancellationToken.None);

    /// <param name="arguments">What follows <see cref="Word"/>.</param>
    /// <param name="terminal">Gets the lines.</param>
    /// <param name="configure">Changes the program before it is built.</param>
    /// <param name="cancellationToken">Ends the check.</param>
    /// <returns>The exit code.</returns>
    internal static async Task<int> RunAsync(
        string[] arguments, Terminal terminal, Action<IHostApplicationBuilder>? configure, CancellationToken cancellationToken)
    {
        var to = new Option<string>("--to") { Description = "Sends one test email to this address.", HelpName = "address" };
        to.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string>() is { } address && !EmailAddress.TryParse(address, out _))
            {
                result.AddError($"'{address}' is no address that mail can be sent to.");
            }
        });
        var command = new Command(Word, "Says step by step whether emails can be sent, and what to set where they cannot.") { to, new HelpOption() };
        command.SetAction((parsed, token) => CheckAsync(parsed.GetValue(to), terminal, configure, token));

        var parsed = command.Parse(arguments);
        foreach (var error in parsed.Errors)
        {
            terminal.WriteError(error.Message);
        }

        return parsed.Errors.Count > 0
            ? Misused
            : await parsed.InvokeAsync(
                new InvocationConfiguration { Output = terminal.Out, Error = terminal.Error, EnableDefaultExceptionHandler = false }, cancellationToken);
    }

    private static async Task<int> CheckAsync(string? to, Terminal terminal, Action<IHostApplicationBuilder>? configure, CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateBuilder();
        builder.AddDefaults(port: 0);
        // The lines of the report say it all.
        builder.Logging.ClearProviders();
        builder.AddEmail();
        configure?.Invoke(builder);
        builder.Services.TryAddSingleton<IDnsLookup, SystemDnsLookup>();
        builder.Services.AddSingleton(new CheckReport(terminal));
        builder.Services.AddSingleton<MailCheck>();
        await using var app = builder.Build();

        var report = app.Services.GetRequiredService<CheckReport>();
        try
        {
            _ = app.Services.GetRequiredService<IOptions<EmailOptions>>().Value;
            await app.Services.GetRequiredService<MailCheck>().RunAsync(to, cancellationToken);
        }
        catch (OptionsValidationException invalid)
        {
            foreach (var mistake in invalid.Failures)
            {
                report.Fail("configuration", mistake);
            }
        }

        report.End();
        return report.HasFailed ? Failed : Done;
    }
}
