namespace Orders.Email.Outages;

/// <summary>What is done when no email goes out at all: configuration section <c>Email:Outage</c>.</summary>
public sealed class MailOutageOptions
{
    /// <summary>The pause before the first probe of a mail server that failed; each further pause is twice as long.</summary>
    public TimeSpan FirstPause { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>No pause between two probes is longer.</summary>
    public TimeSpan LongestPause { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How many different emails in a row must fail on a server that does let us in before the server is to blame, not
    /// the emails.
    /// </summary>
    public int Suspects { get; set; } = 3;

    /// <summary>How long emails must have been going out again before the outage counts as over.</summary>
    internal TimeSpan SettlingTime => 5 * FirstPause;
}
