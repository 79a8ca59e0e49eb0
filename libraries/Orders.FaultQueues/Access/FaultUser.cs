namespace Orders.FaultQueues.Access;

/// <summary>Settings <c>Faults:Users:0</c> and so on: somebody who may sign in.</summary>
public sealed class FaultUser
{
    /// <summary>What the user signs in as, and is called in the audit trail.</summary>
    public string Name { get; set; } = "";

    /// <summary>What the user may do; where nothing is said, to look.</summary>
    public FaultRole Role { get; set; } = FaultRole.Reader;

    /// <summary>What the user signs in with.</summary>
    public string? Password { get; set; }

    /// <summary>A file that holds <see cref="Password"/>.</summary>
    public string? PasswordFile { get; set; }
}

/// <summary>What a user may do.</summary>
public enum FaultRole
{
    /// <summary>Look.</summary>
    Reader,

    /// <summary>Look and act.</summary>
    Operator,
}
