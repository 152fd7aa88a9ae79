using System.Diagnostics;

namespace VmSim.Hostile.Tests.Deaths;

/// <summary>
/// A second network on this machine, whose processes reach those of the first by one cable alone (veth(4), network_namespaces(7)). When it
/// is cut, what is sent is lost without a word, and connections stand: each side has a wrong address of the other's card.
/// </summary>
internal sealed class CutNetwork : IDisposable
{
    /// <summary>Nobody's card.</summary>
    private const string Nowhere = "02:00:00:00:00:99";

    private readonly string _name;
    private readonly string _near;
    private readonly string _far;

    private CutNetwork(int number)
    {
        (_name, _near, _far) = ($"vmsim{number}", $"vmsim{number}a", $"vmsim{number}b");

        // Of 10.0.0.0/8, which is everybody's own (RFC 1918).
        (Here, There) = ($"10.{100 + (number % 100)}.77.1", $"10.{100 + (number % 100)}.77.2");
    }

    /// <summary>Address of this side.</summary>
    public string Here { get; }

    /// <summary>Address of the other side.</summary>
    public string There { get; }

    /// <summary>What comes before a command line that is to run on the other side.</summary>
    public string[] Beyond => ["ip", "netns", "exec", _name];

    /// <summary>Makes one; only root may.</summary>
    /// <param name="problem">Why it cannot be made.</param>
    /// <returns>The network; null if it cannot be made.</returns>
    public static CutNetwork? TryCreate(out string problem)
    {
        CutNetwork network = new(Environment.ProcessId % 10_000);
        string[] steps =
        [
            $"netns add {network._name}",
            $"link add {network._near} type veth peer name {network._far} netns {network._name}",
            $"addr add {network.Here}/24 dev {network._near}",
            $"link set {network._near} up",
            $"-n {network._name} addr add {network.There}/24 dev {network._far}",
            $"-n {network._name} link set {network._far} up",
            $"-n {network._name} link set lo up",
        ];
        problem = "";
        foreach (string step in steps)
        {
            problem = Say(step);
            if (problem.Length > 0)
            {
                network.Dispose();
                return null;
            }
        }

        return network;
    }

    /// <summary>Has all that is sent from one side to the other be lost.</summary>
    public void Cut()
    {
        Require($"neigh replace {There} lladdr {Nowhere} nud permanent dev {_near}");
        Require($"-n {_name} neigh replace {Here} lladdr {Nowhere} nud permanent dev {_far}");
    }

    /// <summary>Has the sides reach each other again.</summary>
    public void Heal()
    {
        Require($"neigh del {There} dev {_near}");
        Require($"-n {_name} neigh del {Here} dev {_far}");
    }

    public void Dispose()
    {
        Say($"link del {_near}");
        Say($"netns del {_name}");
    }

    private static void Require(string command) => Assert.Equal("", Say(command));

    /// <returns>What went wrong; empty if nothing did.</returns>
    private static string Say(string command)
    {
        try
        {
            using Process ip = Process.Start(new ProcessStartInfo("ip", command.Split(' '))
            {
                UseShellExecute = false,
                RedirectStandardError = true,
            })!;
            string error = ip.StandardError.ReadToEnd();
            ip.WaitForExit();
            return ip.ExitCode == 0 ? "" : $"ip {command}: exit code {ip.ExitCode}: {error}";
        }
        catch (System.ComponentModel.Win32Exception reason)
        {
            return $"ip {command}: {reason.Message}";
        }
    }
}
