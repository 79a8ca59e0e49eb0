using System.Net.Http.Headers;
using System.Text;

namespace Orders.Testing.Network;

/// <summary>Users of the fault queues, and how they sign in.</summary>
internal static class Basic
{
    /// <summary>A reader <c>rita</c> and an operator <c>olga</c>, whose passwords are their names and <c>-secret</c>.</summary>
    public static readonly (string Name, string? Value)[] Users =
    [
        ("Faults__Users__0__Name", "rita"),
        ("Faults__Users__0__Password", "rita-secret"),
        ("Faults__Users__1__Name", "olga"),
        ("Faults__Users__1__Role", "Operator"),
        ("Faults__Users__1__Password", "olga-secret"),
    ];

    public static AuthenticationHeaderValue Header(string credentials) =>
        new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(credentials)));

    /// <summary>What <paramref name="user"/> of <see cref="Users"/> sends.</summary>
    public static AuthenticationHeaderValue Of(string user) => Header($"{user}:{user}-secret");
}
