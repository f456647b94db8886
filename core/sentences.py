"""What is said of each error code: (Traditional Chinese, English), with the error's fields in braces."""

from __future__ import annotations

from core.encoder_sentences import HEADS

SENTENCES: dict[str, tuple[str, str]] = {
    # What people can mend.
    "UnknownLabel": (
        "專案裡沒有「{label}」這個標籤。可用的標籤：{known}。請改正檔案，或匯入成新專案。",
        "This project has no label “{label}”. Its labels: {known}. Correct the file, or import it as a new project.",
    ),
    "RetiredLabel": (
        "標籤「{label}」已經停用。請先到「標籤」頁恢復它，或從檔案裡拿掉。",
        "The label “{label}” is retired. Bring it back on the Labels page first, or take it out of the file.",
    ),
    "ChangedMeanwhile": (
        "{who} 在你編輯時也改了，所以沒有覆蓋；你打的字還在。請先看現在的版本，再存一次。",
        "{who} changed it while you were writing, so nothing was overwritten; what you typed is still here. "
        "Look at the present version, then save again.",
    ),
    "EmptyText": ("文字是空的。請補上內容或刪掉這一列。", "The text is empty. Fill it in or remove this row."),
    "TextTooLong": (
        "文字有 {have} 個字，上限是 {limit} 個字。請先切成段落再匯入。",
        "The text has {have} characters; the limit is {limit}. Split it into passages first.",
    ),
    "NoLabels": (
        "還沒有選任何標籤。若都不適合，請回報（F）或略過（S）。",
        "No label is chosen yet. If none fits, flag the text (F) or skip it (S).",
    ),
    "NotJson": ("這一行不是 JSON 物件（{why}）。", "This line is not a JSON object ({why})."),
    "NoText": ("這一列沒有「{column}」欄位，或內容不是文字。", "This row has no “{column}” field, or it is not text."),
    "LabelsNotAList": (
        "標籤欄位要是字串清單，或用分隔符號連起來的文字。",
        "Labels must be a list of strings, or one string joined by the separator.",
    ),
    "TooManyCells": (
        "這一列有 {have} 格，比標題列多。文字裡的逗號要用雙引號包起來。",
        "This row has {have} cells, more than the header. Put texts with commas in double quotes.",
    ),
    "BadRows": (
        "{rows} 列中有 {bad} 列有問題，什麼都沒有寫入。請照報告修正，或選擇只匯入沒問題的列。",
        "{bad} of {rows} rows are bad; nothing was written. Mend them as reported, or choose to import the good ones.",
    ),
    "BadProjectFile": (
        "專案檔 {name} 的「{field}」有問題：{why}。",
        "The project file {name} has a problem at “{field}”: {why}.",
    ),
    "BadSetting": ("設定「{field}」不能是 {value}（{why}）。", "Setting “{field}” cannot be {value} ({why})."),
    "LossUndefined": (
        "損失函數「{name}」不能用在{where}。可以用的有：{known}。",
        "The loss “{name}” has no meaning for {where}. Use one of: {known}.",
    ),
    **HEADS,
    "TooManyClusters": (
        "{labels} 個標籤分不成 {clusters} 群。請減少群數，或改用不分群的模型。",
        "{labels} label(s) cannot make {clusters} clusters. Ask for fewer, or use the model without clusters.",
    ),
    "StrategyNeeds": (
        "挑選方式「{strategy}」需要{what}，目前的模型沒有提供。請換一種挑選方式，或換用能提供的模型。",
        "The strategy “{strategy}” needs {what}, which the present model does not give. Choose another.",
    ),
    "NameTaken": ("「{name}」已經有人用了，請換一個名稱。", "“{name}” is taken. Choose another name."),
    "BadName": (
        "名稱要有 1 到 60 個可見字元。",
        "A name has 1 to 60 printable characters.",
    ),
    "BadPassword": ("密碼至少要 {need} 個字元。", "A password has at least {need} characters."),
    "WrongPassword": ("帳號或密碼不對。", "The name or the password is wrong."),
    "SignInThrottled": (
        "錯太多次了，請等 {wait_s} 秒再試。",
        "Too many wrong tries. Wait {wait_s} seconds and try again.",
    ),
    "NotAllowed": (
        "你的帳號沒有這個權限（需要：{need}）。若剛被調整過權限，請重新登入。",
        "Your account may not do this (it needs: {need}). If your role has just changed, sign in again.",
    ),
    "LastAdmin": (
        "至少要有一位使用中的管理員，所以這項沒有變更。請先指定另一位管理員。",
        "There must be one active administrator, so nothing was changed. Appoint another one first.",
    ),
    "NotMember": (
        "這個專案沒有你，或你已經被移出，所以沒有執行。要加入請找計畫主持人。",
        "This project is not one of yours, or no longer, so this was not done. Ask its lead to add you.",
    ),
    "Archived": (
        "這個專案已封存，現在不發文字也不訓練。已儲存的都還在；計畫主持人可以在「資料」頁把它帶回來。",
        "This project is archived: no texts are handed out and no rounds begin. All that was saved is there; "
        "its lead can bring it back on the Data page.",
    ),
    "BadInvitation": (
        "這個連結不能用：可能已經用過、過期或被收回。請向給你連結的人要一個新的。",
        "This link does not work: it may be used, over or withdrawn. Ask whoever gave it to you for a new one.",
    ),
    "TakenMeanwhile": (
        "這一篇已經到了同事手上，不能再取回。",
        "A colleague has this text by now; it cannot be taken back.",
    ),
    "Settled": (
        "這一篇已經由審閱者定案，不能再改。若覺得不對，請告訴審閱者。",
        "A reviewer has settled this text; it cannot be changed any more. If it looks wrong, tell a reviewer.",
    ),
    "AlreadyDecided": (
        "這一篇你已經在另一個分頁存過了，這次沒有覆蓋。要改的話請到「我的標註」找這一篇。",
        "You have saved this text in another tab; it was not overwritten. To change it, look for it under My work.",
    ),
    "UnknownSplit": (
        "不認得的分組「{split}」。可用：train、pool、gold 或 test、valid，或留空。",
        "Unknown split “{split}”. Use train, pool, gold or test, valid, or leave it empty.",
    ),
    "KeyTaken": (
        "「{key}」這個鍵已經有別的用途，設定沒有改。請換一個鍵。",
        "The key {key} has another use already; nothing was changed. Choose another key.",
    ),
    "KeyUnusable": (
        "「{key}」不能當作標註台的按鍵，設定沒有改。請用字母、數字、符號或方向鍵。",
        "The desk cannot use the key {key}; nothing was changed. Use a letter, a digit, a sign or an arrow.",
    ),
    "BadOp": (
        "這個動作的內容不完整，沒有存下（{why}）。請重新整理頁面再試。",
        "This action was not whole and was not saved ({why}). Reload the page and try again.",
    ),
    "StillStopping": (
        "上一輪還在停止，請等幾秒再開始。",
        "The last round is still stopping. Wait a few seconds and start again.",
    ),
    "RoundRunning": (
        "有一輪正在訓練或等著開始，或正在換回別的模型。請等它完成，或先停止它，再換回。",
        "A round runs or waits, or another model is being brought back. Let it end, or stop it, then go back.",
    ),
    "StudentGone": (
        "第 {number} 輪的模型已經不在磁碟上（只保留最近幾輪），不能換回。請選另一輪，或重新訓練。",
        "The model of round {number} is no longer on disk (only the latest few are kept). Choose another round, or "
        "train anew.",
    ),
    "OtherLabels": (
        "第 {number} 輪的模型學的是另一組標籤，不能換回。請開始新的一輪。",
        "The model of round {number} knows another label set and cannot come back. Start a new round.",
    ),
    "NotWritable": (
        "這一列有無法儲存的字元（不成對的代理字元）。請用正確的 UTF-8 重新存檔。",
        "This row has characters that cannot be stored (lone surrogates). Save the file again as proper UTF-8.",
    ),
    "NothingToReview": (
        "這一篇還沒有人標過，沒有可以審的。有人標了以後再打開。",
        "Nobody has labelled this text yet, so there is nothing to review. Open it once somebody has.",
    ),
    "UnknownProject": (
        "沒有代碼是「{key}」的專案。請給專案的代碼，不是資料夾、檔案或名稱；現有的代碼：{known}。",
        "No project has the key “{key}”. Give a project's key, not a folder, file or name; keys here: {known}.",
    ),
    "NothingToExport": (
        "還沒有可以匯出的內容。先標註幾篇，或等第一輪訓練完成。",
        "There is nothing to export yet. Label some texts, or wait for the first round.",
    ),
    # Too early.
    "TooFewLabels": (
        "已標註 {have} 篇，至少要 {need} 篇才能訓練。再標 {missing} 篇就可以開始。",
        "{have} texts are labelled; a round needs {need}. Label {missing} more and it can start.",
    ),
    "NoGold": (
        "金標準裡還沒有任何已標註的文字，無法衡量成效。請先標註幾篇金標準文字。",
        "No gold text is labelled yet, so nothing can be measured. Label some gold texts first.",
    ),
    "LabelWithoutPositives": (
        "還沒有任何文字標上：{labels}。這些標籤這一輪學不到，請優先找它們的例子。",
        "No text carries: {labels}. This round cannot learn them; look for examples of them first.",
    ),
    "LabelWithoutNegatives": (
        "每一篇訓練文字都有：{labels}。這些標籤這一輪分不出有無，請也標幾篇沒有它們的文字。",
        "Every training text carries: {labels}. This round cannot learn them; label some texts without them.",
    ),
    "TeacherDiverged": (
        "老師模型的訓練數值失控：{labels}。這些標籤這一輪只用出現比例；請降低學習率（lr）。",
        "Training broke down for the teachers of: {labels}. This round answers with their frequency; lower lr.",
    ),
    "TwinDiverged": (
        "對照模型（standalone）的訓練數值失控，這一輪沒有它的成績；學生不受影響。請降低學習率（lr）。",
        "Training broke down for the standalone twin: this round lacks its figures. The student is sound; lower lr.",
    ),
    "TooFewForFolds": (
        "訓練文字只有 {have} 篇（要 {need} 篇），這一輪的老師改為回答自己學過的文字（in-sample）。",
        "{have} training texts are too few for folds (need {need}): teachers answered for texts they had learned.",
    ),
    "TrainingDiverged": (
        "學生模型的訓練數值失控（學習率 {lr}）。請降低 round.lr 再試；先前的模型仍在使用。",
        "Training broke down for the student (learning rate {lr}). Lower round.lr; the model from before stands.",
    ),
    # The machine.
    "ModelUnavailable": (
        "無法載入「{name}」：{why}。",
        "“{name}” cannot be loaded: {why}.",
    ),
    "TooLittleMemory": (
        "記憶體不夠：{what}大約要 {need_mb} MB，現在有 {have_mb} MB。"
        "請縮小批次、縮短文字、凍結編碼器，或換小一點的模型。",
        "Too little memory: {what} needs about {need_mb} MB, {have_mb} MB are free. "
        "Use smaller batches, shorter texts, a frozen encoder or a smaller one.",
    ),
    "TreeNeedsMemory": (
        "記憶體不夠：{labels} 個標籤、{texts} 篇文字大約要 {need_mb} MB，現在有 {have_mb} MB。"
        "請關掉別的程式，或合併少用的標籤。",
        "Too little memory: {labels} labels and {texts} texts need about {need_mb} MB, {have_mb} MB are free. "
        "Close other programs, or merge labels that are hardly used.",
    ),
    "Cancelled": ("已經取消，先前的結果維持不變。", "Cancelled; the results from before stand."),
    "WorkerDied": (
        "背景程式在訓練中停掉了 {attempts} 次，這一輪已放棄。請看程式輸出的紀錄（可能是記憶體不足）。",
        "The worker died {attempts} times in this round, which was given up. See the server's output.",
    ),
    "NoDatabase": (
        "找不到資料庫 {path}。請先執行：python -m core init",
        "There is no database at {path}. Run first: python -m core init",
    ),
    "NewerDatabase": (
        "資料庫是較新版本建立的（版本 {have}，這個程式只懂到 {need}）。請更新程式；資料沒有被更動。",
        "Made by a newer version ({have}; this program knows {need}). Update the program; nothing was changed.",
    ),
    "DatabaseBusy": (
        "資料庫正忙，這個動作沒有完成。請再試一次。",
        "The database is busy and this was not done. Try again.",
    ),
    "DiskFull": (
        "磁碟滿了或不能寫入，這個動作沒有完成。請清出空間；先前存好的都還在。",
        "The disk is full or read-only and this was not done. Free some space; what was saved before is safe.",
    ),
    "DamagedDatabase": (
        "資料庫檔案無法讀取（{why}）。請從備份還原。",
        "The database file cannot be read ({why}). Restore a backup.",
    ),
    "NotFound": ("找不到：{what}。它可能已經被移走。", "Not found: {what}. It may have been removed."),
    "LeaseLost": ("{what} 已經由別的程式接手。", "{what} has been taken over by another process."),
    "NotUnique": (
        "已經有同名的項目（{what}），請換一個名稱。",
        "There is one of that name already ({what}). Choose another.",
    ),
    # Deeper rounds, when idle.
    "GaveWay": (
        "深入訓練讓位給一般的訓練；先前的模型仍在使用，閒置時會再試。",
        "The deeper round gave way to a normal one. The model from before stands; it is tried again when idle.",
    ),
    "DeeperNotBetter": (
        "深入訓練的驗證 macro-F1 是 {deeper}，不如使用中的 {present}（第 {number} 輪），所以沒有換上。",
        "The deeper round's macro-F1 on validation is {deeper}, below the {present} of round {number}, which stays.",
    ),
    "DeeperTaken": (
        "深入訓練：驗證 macro-F1 {deeper}，不低於第 {number} 輪的 {present}，所以換上了這個模型。",
        "Deeper: macro-F1 {deeper} on validation, not below the {present} of round {number}, so this replaced it.",
    ),
}

# A project file that cannot be read at all; one with a wrong field has a sentence above.
NO_PROJECT_FILE = {
    "missing": (
        "沒有專案檔 {name}。請檢查 PROJECT 的路徑，或照 demo/project.toml 寫一個。",
        "There is no project file {name}. Check the path in PROJECT, or write one like demo/project.toml.",
    ),
    "folder": (
        "{name} 是資料夾。PROJECT 要指到專案檔本身，例如 {name}/project.toml。",
        "{name} is a folder. PROJECT names the project file itself, such as {name}/project.toml.",
    ),
    "": (
        "專案檔 {name} 讀不出來：{why}。請照 demo/project.toml 的寫法改好。",
        "The project file {name} cannot be read: {why}. Mend it after the pattern of demo/project.toml.",
    ),
}

BAD_FILE = {
    "missing": ("找不到檔案 {name}。", "There is no file {name}."),
    "empty": ("{name} 裡沒有任何一列資料。", "{name} has no rows."),
    "jsonl_or_csv": ("{name} 要是 .jsonl 或 .csv（可以再加 .gz）。", "{name} must be .jsonl or .csv (or .gz of one)."),
    "no_zip": ("{name} 要是 .zip。", "{name} must be a .zip."),
    "not_utf8": (
        "{name} 不是 UTF-8 編碼。請另存成 UTF-8 再匯入（Excel：CSV UTF-8）。",
        "{name} is not UTF-8. Save it as UTF-8 (in Excel: CSV UTF-8) and import again.",
    ),
    "no_text_column": (
        "{name} 沒有「{column}」這個文字欄位；它有：{have}。請在匯入設定裡指定。",
        "{name} has no text column “{column}”; it has: {have}. Name the right one in the import settings.",
    ),
    "no_labels": (
        "{name} 裡沒有任何標籤，無法從它建立標籤集。請改匯入到現有的專案。",
        "{name} has no labels to make a label set from. Import it into an existing project instead.",
    ),
    "too_many_labels": (
        "{name} 有 {have} 種不同的標籤，上限是 {limit} 種。請確認標籤欄位和分隔符號。",
        "{name} has {have} different labels; the limit is {limit}. Check the labels column and the separator.",
    ),
    "too_large": (
        "{name} 解開後超過 {limit_mb} MB，或有一行太長。請分成幾個檔案。",
        "{name} unpacks to more than {limit_mb} MB, or has a line that is too long. Split it into several files.",
    ),
    "bar_in_label": (
        "標籤「{label}」看起來是好幾個連在一起（含有 | 、 ， , ； ; 其中之一）。請改分隔符號的設定，或先改名。",
        "The label “{label}” looks like several joined together. Set the right separator, or rename it first.",
    ),
    "bad_key": (
        "專案代號「{key}」只能用小寫英文字母、數字、連字號和底線，最多 40 個字元。",
        "A project key has up to 40 lower-case letters, digits, hyphens and underscores; “{key}” does not.",
    ),
    "vectors_damaged": (
        "{name} 不是完整的 word2vec 詞向量檔：{detail}。請重新下載，或讓 vectors_file 留空。",
        "{name} is no whole word2vec file (text or binary): {detail}. Fetch it again, or leave vectors_file empty.",
    ),
    "vectors_width": (
        "{name} 的詞向量是 {have} 維，設定是 {need} 維。請把 round.vector_size 設為 {have}。",
        "The vectors of {name} have {have} dimensions, the setting says {need}. Set round.vector_size={have}.",
    ),
    "vectors_foreign": (
        "{name} 和這個專案的文字沒有任何共同的詞（專案有 {need} 個）。請確認斷詞器和繁簡是否相同。",
        "{name} shares no word with this project's {need}. Check the segmenter, and simplified or traditional.",
    ),
    "not_reuters": (
        "{name} 不是論文用的 Reuters-90（ModApte、90 個標籤；欄位 id、text、labels、split）：{detail}。",
        "{name} is not the paper's Reuters-90 (ModApte, 90 labels; fields id, text, labels, split): {detail}.",
    ),
    "unreadable": ("{name} 讀不下去：{detail}", "{name} cannot be read: {detail}"),
}

AT_LINE = ("第 {line} 行：{said}", "Line {line}: {said}")  # of many that were typed at once
BAD_LABEL = {
    "field": ("標籤沒有「{field}」這個欄位。", "A label has no field “{field}”."),
    "empty": ("標籤要有中文名稱。", "A label needs a Chinese name."),
    "long": ("太長了：{have} 個字，上限是 {limit} 個字。", "Too long: {have} characters; the limit is {limit}."),
    "many": ("太多行了：{have} 行，上限是 {limit} 行。", "Too many lines: {have}; the limit is {limit}."),
    "none": ("至少要有一個標籤，一行寫一個。", "There must be at least one label, one a line."),
    "characters": (
        "名稱「{name}」裡有直線（|）或看不見的字元，匯出的檔案會分不開。請拿掉。",
        "“{name}” has a bar (|) or an invisible character, which exported files could not keep apart. Take it out.",
    ),
    "taken": ("已經有標籤叫「{name}」了，請換一個名稱。", "There is a label “{name}” already. Choose another name."),
    "gone_taken": (
        "有一個停用或併掉的標籤叫「{name}」。要用它就恢復它，不然請換一個名稱。",
        "A retired or merged label is called “{name}”. Bring that one back, or choose another name.",
    ),
    "colour": ("「{name}」不是顏色，要像 #1f77b4 這樣寫。", "“{name}” is no colour; write it like #1f77b4."),
    "faint": (
        "{name} 在亮色或暗色畫面上太淡（對比 {have}，至少要 {limit}）。請選深淺居中的顏色。",
        "{name} is hard to see on the light or the dark page (contrast {have}, at least {limit}). "
        "Choose one that is neither so light nor so dark.",
    ),
    "hotkey": ("按鍵要是 1 到 9 的數字，或留空。", "A key is one digit from 1 to 9, or empty."),
    "hotkey_taken": (
        "按鍵 {name} 是「{other}」的。請換一個，或先清掉那一個。",
        "The key {name} belongs to “{other}”. Choose another, or clear that one first.",
    ),
    "last": (
        "這是最後一個可用的標籤，不能停用或併掉。",
        "This is the last label that may be chosen; it cannot be retired or merged.",
    ),
    "into": (
        "只能併到另一個還在用的標籤。請重新選擇。",
        "A label is merged into another one that is in use. Choose again.",
    ),
    "gone": ("「{name}」已經停用或併掉了。請重新整理頁面。", "“{name}” is retired or merged already. Reload the page."),
    "used": ("「{name}」還在用，沒有要恢復的。", "“{name}” is in use; there is nothing to bring back."),
}

NEEDS = {  # what NotAllowed lacks
    "annotator": ("標註員", "annotator"),
    "reviewer": ("審閱者", "reviewer"),
    "lead": ("計畫主持人", "project lead"),
    "admin": ("管理員", "administrator"),
}

UNDEFINED = {  # where LossUndefined
    "soft": ("軟性目標（學生向教師學習時）", "soft targets (a student that learns from teachers)"),
    "binary": ("單一標籤（教師模型）", "one label by itself (a teacher)"),
}
LACKING = {  # what StrategyNeeds lacks
    "labelled_probs": ("模型對已標註文字的機率", "the model's probabilities of labelled texts"),
    "committee": ("每個老師模型各自的機率", "the probabilities of each teacher"),
    "teacher": ("老師模型合起來的機率", "the teachers' joint probabilities"),
    "embeddings": ("文字的向量", "vectors of the texts"),
    "labelled_embeddings": ("已標註文字的向量", "vectors of the labelled texts"),
    "need": ("每個標籤要分到的份額", "the share that each label is to get"),
}

CANNOT_START = {
    "HOST": (
        "要開放網路連線（{why}），必須同時列出允許的主機名稱，例如：{fix}",
        "To listen on the network ({why}) you must also list the allowed host names, e.g. {fix}",
    ),
    "PORT": ("連接埠不對：{why}。例如：{fix}", "That is no port: {why}. For example: {fix}"),
    "worker": (
        "這個資料庫已經有一個背景程式在跑（{why}）。一個資料庫只能有一個。",
        "A worker is already running on this database ({why}). There can be only one.",
    ),
    "": ("無法啟動：{why}。{fix}", "Cannot start: {why}. {fix}"),
}


UNFORESEEN = (
    "發生了沒料到的問題，沒有留下做到一半的東西。紀錄代號：{mark}",
    "Something unforeseen went wrong; nothing half-done was kept. Mark for the log: {mark}",
)
