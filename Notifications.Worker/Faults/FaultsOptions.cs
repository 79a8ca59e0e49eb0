using System.ComponentModel.DataAnnotations;

namespace Notifications.Worker.Faults;

/// <summary>Section <c>Faults</c>: who may look at the faults and act on them, and how.</summary>
public sealed class FaultsOptions
{
    public const string Section = "Faults";

    /// <summary>Whether an operator may change a message's body before it is replayed.</summary>
    public bool AllowEditing { get; set; }

    /// <summary>How many messages a second an operation moves where its request says nothing else.</summary>
    [Range(0.1, 10_000, ErrorMessage = "Faults__Rate must be between 0.1 and 10000.")]
    public double Rate { get; set; } = 50;
}
