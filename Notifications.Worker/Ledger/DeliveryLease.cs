using Microsoft.Extensions.Options;
using Notifications.Worker.Email;

namespace Notifications.Worker.Ledger;

/// <summary>How long a worker may take for one send, and how long its claim keeps others away.</summary>
internal sealed class DeliveryLease(IOptions<EmailOptions> options)
{
    // For the ways to the ledger, and for clocks that do not go alike.
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(10);

    /// <summary>A send that takes longer is given up.</summary>
    public TimeSpan LongestSend { get; } = options.Value.Smtp.LongestSend;

    /// <summary>From the claim until it lapses.</summary>
    public TimeSpan Length => LongestSend + Margin;
}
