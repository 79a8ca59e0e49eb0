using System.ComponentModel.DataAnnotations;
using Orders.FaultQueues.Access;
using Orders.FaultQueues.Audit;

namespace Orders.FaultQueues;

/// <summary>Section <c>Faults</c>: which faults are looked after beside our own, who may look at them and act on them, and how.</summary>
public sealed class FaultsOptions : IValidatableObject
{
    public const string Section = "Faults";

    /// <summary>Whether an operator may change a message's body before it is replayed.</summary>
    public bool AllowEditing { get; set; }

    /// <summary>How many messages a second an operation moves where its request says nothing else.</summary>
    [Range(0.1, 10_000, ErrorMessage = "Faults__Rate must be between 0.1 and 10000.")]
    public double Rate { get; set; } = 50;

    /// <summary>Who may sign in. Without anybody the fault queues are open to a developer on the same machine alone.</summary>
    public IList<FaultUser> Users { get; } = [];

    /// <summary>Endpoints of other programs whose faults are looked after too. They are read, and checked, while the program is being composed.</summary>
    public IList<FaultQueueOptions> Queues { get; } = [];

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext) =>
        Users.SelectMany((user, index) => MistakesOf(user, $"{Section}__{nameof(Users)}__{index}", Users.Take(index)))
            .Select(mistake => new ValidationResult(mistake));

    private static IEnumerable<string> MistakesOf(FaultUser user, string variable, IEnumerable<FaultUser> before)
    {
        var name = $"{variable}__{nameof(user.Name)}";
        if (string.IsNullOrWhiteSpace(user.Name))
        {
            yield return $"{name} is required.";
        }
        else if (user.Name.Contains(':', StringComparison.Ordinal) || user.Name.Any(char.IsControl))
        {
            // The first colon ends the name: https://www.rfc-editor.org/rfc/rfc7617#section-2
            yield return $"{name} must not contain ':' or control characters.";
        }
        else if (user.Name is AuditEntry.RedeliverJob or AuditEntry.Worker)
        {
            yield return $"{name} must not be '{user.Name}': in the audit trail that is a program.";
        }
        else if (before.Any(other => other.Name == user.Name))
        {
            yield return $"{name} must not be '{user.Name}', as that is the name of another user.";
        }

        if (string.IsNullOrEmpty(user.Password))
        {
            yield return $"{variable} needs either {variable}__{nameof(user.Password)} or {variable}__{nameof(user.PasswordFile)}.";
        }
    }
}
