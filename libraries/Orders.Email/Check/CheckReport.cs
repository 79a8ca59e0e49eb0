using Orders.ServiceDefaults.CommandLine;

namespace Orders.Email.Check;

/// <summary>What a step of the check means for emails.</summary>
internal enum Verdict
{
    /// <summary>It is as it should be.</summary>
    Ok,

    /// <summary>Emails go out, but something may keep them from arriving, or soon from going out.</summary>
    Warning,

    /// <summary>It keeps emails from going out.</summary>
    Failed,
}

/// <summary>Writes what the check finds: one line for each step, with the verdict first.</summary>
internal sealed class CheckReport(Terminal terminal)
{
    private int _warnings;

    /// <summary>Whether anything keeps emails from going out.</summary>
    public bool HasFailed { get; private set; }

    /// <summary>Writes the line of a step that is as it should be.</summary>
    public void Ok(string step, string text) => Write(Verdict.Ok, step, text);

    /// <summary>Writes the line of a step that deserves a look.</summary>
    public void Warn(string step, string text) => Write(Verdict.Warning, step, text);

    /// <summary>Writes the line of a step that keeps emails from going out.</summary>
    public void Fail(string step, string text) => Write(Verdict.Failed, step, text);

    /// <summary>Writes the line of a step.</summary>
    /// <param name="verdict">What it means for emails.</param>
    /// <param name="step">The step, in one word.</param>
    /// <param name="text">What was found, what it means, and what to set.</param>
    public void Write(Verdict verdict, string step, string text)
    {
        HasFailed |= verdict == Verdict.Failed;
        _warnings += verdict == Verdict.Warning ? 1 : 0;
        terminal.WriteLine($"{verdict.ToString().ToLowerInvariant(),-8} {step,-13} {text}");
    }

    /// <summary>Writes the last line, which sums up.</summary>
    public void End() => terminal.WriteLine(
        HasFailed ? "No email can be sent until what failed is mended."
        : _warnings == 0 ? "Emails can be sent."
        : $"Emails can be sent, with {_warnings} {(_warnings == 1 ? "warning" : "warnings")}.");
}
