namespace Notifications.Worker.Faults.Access;

/// <summary>Who may do what with faults, as names of authorization policies and of the roles behind them.</summary>
public static class FaultAccess
{
    /// <summary>May look. Operators may as well.</summary>
    public const string Reader = "faults-reader";

    /// <summary>May act.</summary>
    public const string Operator = "faults-operator";
}
