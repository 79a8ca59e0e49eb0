using System.Net.Http.Headers;
using System.Text;
using Clients;

var scenario = new Scenario(args[0]);
switch (args[0])
{
    case "nswag":
        await NSwagClients.RunAsync(scenario);
        break;

    case "kiota":
        await KiotaClients.RunAsync(scenario);
        break;

    default:
        throw new ArgumentException($"There are no clients of {args[0]}.");
}

namespace Clients
{
    /// <summary>What every client is told, and how it says that something is not as it should be.</summary>
    /// <param name="name">The generator's name. The orders of its clients begin with it.</param>
    internal sealed class Scenario(string name)
    {
        /// <summary>No operation on one message takes longer.</summary>
        private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

        /// <summary>The endpoint whose queues are asked for.</summary>
        public const string Endpoint = "order-confirmation";

        /// <summary>An order that is in the error queue when the client starts.</summary>
        public string FailedOrder { get; } = $"{name}-failed";

        /// <summary>An order that the client places.</summary>
        public string PlacedOrder { get; } = $"{name}-placed";

        /// <summary>Why messages are replayed.</summary>
        public string Reason { get; } = $"replayed by {name}";

        /// <summary>To the program that takes orders.</summary>
        public HttpClient Orders { get; } = new() { BaseAddress = new Uri(Variable("ORDERS_URL")) };

        /// <summary>To the program that looks after the fault queues, as an operator.</summary>
        public HttpClient Faults { get; } = new()
        {
            BaseAddress = new Uri(Variable("FAULTS_URL")),
            DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(Variable("FAULTS_USER")))) },
        };

        /// <summary>Ends the program with an error unless something is as it should be.</summary>
        public static void Expect(bool isSo, string what)
        {
            if (!isSo)
            {
                throw new InvalidOperationException($"Not so: {what}");
            }
        }

        /// <summary>Asks every 100 ms until an answer is the wanted one.</summary>
        public static async Task<T> PollAsync<T>(Func<Task<T>> ask, Predicate<T> isWanted)
        {
            using var timeOut = new CancellationTokenSource(Patience);
            using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
            while (true)
            {
                if (await ask() is var answer && isWanted(answer))
                {
                    return answer;
                }

                await timer.WaitForNextTickAsync(timeOut.Token);
            }
        }

        /// <summary>Expects an error of a type.</summary>
        public static async Task<TException> FailAsync<TException>(Func<Task> act)
            where TException : Exception
        {
            try
            {
                await act();
            }
            catch (TException exception)
            {
                return exception;
            }

            throw new InvalidOperationException($"There was no {typeof(TException)}.");
        }

        private static string Variable(string name) => Environment.GetEnvironmentVariable(name) ?? throw new InvalidOperationException($"{name} is not set.");
    }
}
