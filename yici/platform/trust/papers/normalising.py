"""From what the model wrote to what the paper says: blanks, look-alikes in numbers, Traditional glyphs.

The model sometimes writes the Traditional form of a Simplified character (漢 for 汉). Outside names it is put back; in
a name it is left, as somebody may be called so, and a person is asked. Pure.
"""

from __future__ import annotations

import re

__all__ = ["date_text", "looks_traditional", "name_of", "number_of", "simplified"]

# Characters of names of places, nationalities, offices and trades; each Traditional form above its Simplified one.
_TRADITIONAL = (
    "亞倉個偉傑傳僑優價億儉儲兒內兩凍剛創劃劉劍動務勝勞勢勳區協卻厭厲參吳員問啟嘆園圍國圖團場塊堅報塢墳墻壇壓壘壯壽夾奧奮婦媽嬰孫學寧"
    "實審寫寬寶將專尋對導屆屬嶺島峽崗嶽巖帥師帳帶幣幫幹幾庫廠廣廟應廬廳張強彈後從復徵徹恆惡愛態慶憂懷戲戶扎執掃採揚換損搖撥擇擊擔據"
    "擴擺攝攤敗敵數齊斷於時晉晝曉曠書會東極構槍槳樂樓標樞樣樸橋機檔檢檯櫃權歐歡歲歷歸殘殺殼氣漢決沒況淚淨淺淵渦測渾湊湯準溝溫滅滬滿漁"
    "漸潔潤澤濁濃濕濟濤濱瀏灣灘烏無煉煙煩煒熱燈燒營爐爛爭爺爾牆狀獎獨獲獻環現瑪瓊產畢畝畫異當疊療發皚盜盡監盤盧眾睜矯碼磚礦禮禍種稱穀"
    "積穩穫窩窮窯竄競筆築節範篩簡簽籃籌糧糾紀約紅紋納純紙級紡細紹終組結絕絡給統絲經綠維綱網綿緊線緣編緯練縣縱總績織繁繪繼續纖缺罰罷羅"
    "義習聖聞聯聲職聽肅腦腳腸膚膠臨臺與興舉舊艙艦艱蘇蘭處虛號蛻蝕螞蟲蠶術衛衝裏補裝製複襲見規視親覺覽觀觸訂計訊討訓記許設訪證評詞試詩"
    "話該詳認語誠說請諸課調談論識譙譚譯議護變讓貝貞負財貢貨販責貯貴買費貿賀資賓賢賣質賴賽贈贊趙趨躍車軌軍軒軟軸較載輕輛輝輪輯輸轄轉轎"
    "農運達過違遙遞遠適遲遷選遼還郵鄉鄒鄧鄭鄰醫釀釋針鈴鉛銀銅銘銳銷鋁鋪鋼錄錢錦錫鍋鍵鍾鎖鎮鏡鐘鐵鑄鑑鑒長門閃閉開閑間閘閣閩閱闊闌關陝"
    "陣陰陳陸陽隊階際隨險隱雖雙雞離難雲電霧靈靜韋韓響頁頂項順須預領頭頻題額顏願類顧風飛飯飲飼飽飾餅館馬馮馳駐駕騎騙驅驗驛驚髮鬥魚魯鮑"
    "鮮鯉鳥鳳鳴鴨鴻鵝鷹鹽麗麥麼黃點黨齒齡龍龐龔龜"
)
_SIMPLIFIED = (
    "亚仓个伟杰传侨优价亿俭储儿内两冻刚创划刘剑动务胜劳势勋区协却厌厉参吴员问启叹园围国图团场块坚报坞坟墙坛压垒壮寿夹奥奋妇妈婴孙学宁"
    "实审写宽宝将专寻对导届属岭岛峡岗岳岩帅师帐带币帮干几库厂广庙应庐厅张强弹后从复征彻恒恶爱态庆忧怀戏户扎执扫采扬换损摇拨择击担据"
    "扩摆摄摊败敌数齐断于时晋昼晓旷书会东极构枪桨乐楼标枢样朴桥机档检台柜权欧欢岁历归残杀壳气汉决没况泪净浅渊涡测浑凑汤准沟温灭沪满渔"
    "渐洁润泽浊浓湿济涛滨浏湾滩乌无炼烟烦炜热灯烧营炉烂争爷尔墙状奖独获献环现玛琼产毕亩画异当叠疗发皑盗尽监盘卢众睁矫码砖矿礼祸种称谷"
    "积稳获窝穷窑窜竞笔筑节范筛简签篮筹粮纠纪约红纹纳纯纸级纺细绍终组结绝络给统丝经绿维纲网绵紧线缘编纬练县纵总绩织繁绘继续纤缺罚罢罗"
    "义习圣闻联声职听肃脑脚肠肤胶临台与兴举旧舱舰艰苏兰处虚号蜕蚀蚂虫蚕术卫冲里补装制复袭见规视亲觉览观触订计讯讨训记许设访证评词试诗"
    "话该详认语诚说请诸课调谈论识谯谭译议护变让贝贞负财贡货贩责贮贵买费贸贺资宾贤卖质赖赛赠赞赵趋跃车轨军轩软轴较载轻辆辉轮辑输辖转轿"
    "农运达过违遥递远适迟迁选辽还邮乡邹邓郑邻医酿释针铃铅银铜铭锐销铝铺钢录钱锦锡锅键钟锁镇镜钟铁铸鉴鉴长门闪闭开闲间闸阁闽阅阔阑关陕"
    "阵阴陈陆阳队阶际随险隐虽双鸡离难云电雾灵静韦韩响页顶项顺须预领头频题额颜愿类顾风飞饭饮饲饱饰饼馆马冯驰驻驾骑骗驱验驿惊发斗鱼鲁鲍"
    "鲜鲤鸟凤鸣鸭鸿鹅鹰盐丽麦么黄点党齿龄龙庞龚龟"
)
_MAP = dict(zip(_TRADITIONAL, _SIMPLIFIED, strict=True))
_TABLE = str.maketrans(_MAP)
_DIGITS = str.maketrans("OoQDIl|", "0000111")
_NO_LETTERS = {"organisation.uscc": str.maketrans("OISZV", "01527"), "vehicle.vin": str.maketrans("OQI", "001")}
_DATE_NOISE = re.compile(r"[^0-9年月日.\-/长期]")


def simplified(text: str) -> str:
    """With Simplified glyphs, 全角 signs kept."""
    return text.translate(_TABLE)


def looks_traditional(text: str) -> str:
    """The characters of a name that may be the model's Traditional forms; empty for none.

    Whatever GB 2312 has is Simplified; a rare character of a real name (喆, 堃) has no Simplified form here.
    """
    return "".join(character for character in text if character in _MAP and _MAP[character] != character)


def name_of(text: str) -> str:
    """A name: no blanks, no stray marks at its ends; nothing else is touched."""
    return text.replace(" ", "").strip("·.,，。:：、'’`-_")


def number_of(element: str, text: str) -> str:
    """A number or code in capitals, with letters that its alphabet lacks read as the digits they look like."""
    code = re.sub(r"[^0-9A-Za-z|\u4e00-\u9fff]", "", text)
    if element.endswith(("id_number", "licence_number")):
        return code.translate(_DIGITS).upper()
    code = code.upper()
    if element == "vehicle.plate_number":  # the serial behind province and region has neither I nor O (GA 36 §6)
        return code[:2] + code[2:].translate(_NO_LETTERS["vehicle.vin"])
    return code.translate(_NO_LETTERS.get(element, {}))


def date_text(text: str) -> str:
    """Only what a date is written with."""
    return _DATE_NOISE.sub("", text)
