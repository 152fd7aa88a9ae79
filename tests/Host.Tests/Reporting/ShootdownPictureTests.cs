using System.Xml.Linq;
using VmSim.Host.Tests.CommandLine;

namespace VmSim.Host.Tests.Reporting;

/// <summary>One shootdown of an earlier run: the times are those of the run's list, in lines and in the picture.</summary>
public sealed class ShootdownPictureTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("vmsim-tests-").FullName;

    [Fact]
    public async Task Report_OfOneShootdown_TellsItsMessages()
    {
        string[] row = await RunAsync(columns => columns["target_cores"] == "3");
        (Dictionary<string, string> listed, string number) = (Columns(row), Columns(row)["shootdown"]);
        string svg = Path.Combine(_folder, "one.svg");
        (int code, string output, string error) = await CommandRunner.RunAsync("report", Out, "--shootdown", number, "--svg", svg);
        Assert.True(code == 0, error);

        string[] lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.StartsWith($"shootdown {number} of mt: {listed["span_pages"]} page", lines[0], StringComparison.Ordinal);
        Assert.Contains("3 cores told", lines[0], StringComparison.Ordinal);
        Message[] messages = [.. lines.Skip(1).Select(Message.Of)];
        string initiator = $"core {listed["initiator_core"]}";
        Message[] told = [.. messages.Where(message => message.Text == "invalidate")];
        Message[] answers = [.. messages.Where(message => message.Text == "acknowledgement")];
        Assert.Equal(3, told.Length);
        Assert.Equal(told.Select(message => message.To).Order(), answers.Select(message => message.From).Order());
        Assert.All(told, message => Assert.Equal(listed["begin_cycles"], $"{message.Leaves}"));
        Assert.Equal(listed["wait_cycles"], $"{answers.Max(message => message.Arrives) - told[0].Leaves}");
        Assert.Equal(initiator, messages[0].From);
        Assert.Equal((initiator, "returns"), (messages[^1].To, messages[^1].Text));

        XElement picture = XDocument.Load(svg).Root!;
        string[] texts = [.. picture.Descendants().Where(element => element.Name.LocalName == "text").Select(element => element.Value)];
        Assert.Equal(3, texts.Count(text => text == "invalidate"));
        Assert.All(told, message => Assert.Contains(message.To, texts));
        Assert.Equal(messages.Length, picture.Descendants().Count(element => element.Attribute("marker-end") is not null));
    }

    /// <summary>A fault that concerns its own core alone: nobody answers, and it returns.</summary>
    [Fact]
    public async Task Report_OfOneThatTellsNobody_EndsWithItsReturn()
    {
        string number = Columns(await RunAsync(columns => columns["target_cores"] == "0"))["shootdown"];
        (int code, string output, string error) = await CommandRunner.RunAsync("report", Out, "--shootdown", number, "--process", "mt");
        Assert.True(code == 0, error);
        string[] texts = [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(line => Message.Of(line).Text)];
        Assert.Equal(["invalidates itself", "returns"], texts[1..]);
    }

    [Theory]
    [InlineData("mt has no shootdown of this number", "--shootdown", "1000000")]
    [InlineData("name it: --shootdown N", "--svg", "x.svg")]
    [InlineData("give one of them", "--shootdown", "1", "--by", "call")]
    [InlineData("\"other\" found; mt, or a number below 1", "--shootdown", "1", "--process", "other")]
    public async Task Report_OfWhatIsNotThere_IsRefused(string expected, params string[] options)
    {
        await RunAsync(_ => true);
        (int code, string _, string error) = await CommandRunner.RunAsync(["report", Out, .. options]);
        Assert.Equal(64, code);
        Assert.Contains(expected, error, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Out => Path.Combine(_folder, "run");

    private string[][] Rows => [.. File.ReadLines(Path.Combine(Out, "shootdowns.csv")).Select(line => line.Split(','))];

    private Dictionary<string, string> Columns(string[] row) =>
        Rows[0].Zip(row).ToDictionary(pair => pair.First, pair => pair.Second);

    /// <summary>Runs the quickstart, and gives its first shootdown of a kind.</summary>
    private async Task<string[]> RunAsync(Func<Dictionary<string, string>, bool> isWanted)
    {
        (int code, string _, string error) = await CommandRunner.RunAsync(
            "run", "quickstart", "--set", "until=1ms", "--out", Out, "--shootdowns");
        Assert.True(code == 0, error);
        return Rows.Skip(1).First(row => isWanted(Columns(row)));
    }

    private sealed record Message(long Leaves, long Arrives, string From, string To, string Text)
    {
        /// <summary>A line such as <c>711,680 716,680 mt -> core 0: invalidate</c>.</summary>
        public static Message Of(string line)
        {
            string[] words = line.Split(' ', 3, StringSplitOptions.RemoveEmptyEntries);
            string[] ways = words[2].Split([" -> ", ": "], StringSplitOptions.None);
            return new Message(Number(words[0]), Number(words[1]), ways[0].Trim(), ways[1], ways[2]);
        }

        private static long Number(string text) =>
            long.Parse(text.Replace(",", "", StringComparison.Ordinal), System.Globalization.CultureInfo.InvariantCulture);
    }
}
